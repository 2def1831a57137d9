"""Questions over an uploaded database and the SQL that answers them, every statement executed behind walls."""

from typing import Any

from pydantic import Field, field_validator

from app.catalog.asking import shares, something
from app.catalog.kinds import DatasetTask, Extra, Options
from app.catalog.questions import Weight
from app.catalog.sql import LEVEL_NAMES, WAYS, Dialect, DumpDialect, Level, Way


class TextToSqlOptions(Options):
    """What of the database is shown, what is asked, in which SQL it is answered, and what a query may use."""

    questions_per_context: int = Field(default=4, ge=1, le=20, description="rows asked for about each part of a schema")
    dialect: Dialect = Field(
        default="sqlite",
        description="the SQL of the rows. sqlite is executed in SQLite, every other one in DuckDB and rewritten",
    )
    dump_dialect: DumpDialect | None = Field(
        default=None, description="the SQL of uploaded .sql files; without it each statement is tried in several"
    )
    ways: dict[Way, Weight] = Field(
        default={"model": 0.7, "template": 0.3},
        description="way -> weight: the model writes question and SQL, or it words a template filled with real values",
    )
    levels: dict[Level, Weight] = Field(
        default=dict.fromkeys(LEVEL_NAMES, 1.0), description="how demanding the SQL is: level -> weight"
    )
    tables_per_context: int = Field(default=3, ge=1, le=8, description="most tables that rows of one context are about")
    distractors: int = Field(
        default=1, ge=0, le=20, description="further tables that are shown and that no query may use"
    )
    sampled_values: int = Field(default=3, ge=0, le=10, description="values of each column shown with the schema")
    result_rows: int = Field(default=5, ge=1, le=50, description="rows of each result that are kept, and judged")
    query_seconds: float = Field(default=2.0, ge=0.05, le=60, description="processor time that one query may use")
    query_memory_mb: int = Field(default=256, ge=64, le=4096, description="memory that one query may use")
    query_rows: int = Field(default=10_000, ge=1, le=1_000_000, description="rows that one query may return")

    @field_validator("ways", "levels")
    @classmethod
    def _something_to_make(cls, chosen: Any) -> Any:
        return something(chosen)

    def way_shares(self) -> dict[Way, float]:
        """Way -> its share of the rows; shares add up to 1."""
        return shares(self.ways, WAYS)

    def level_shares(self) -> dict[Level, float]:
        """Level -> its share of the rows; shares add up to 1."""
        return shares(self.levels, LEVEL_NAMES)


def _cost(options: TextToSqlOptions) -> int:
    """One call asks for the model's rows, one words those of templates."""
    return len(options.way_shares())


TEXT_TO_SQL = DatasetTask(
    summary="Questions over an uploaded database and the SQL that answers them; every statement is executed.",
    options=TextToSqlOptions,
    gates={"question_length": 2.0, "language": 0.1, "sql_match": 4.0, "sql_clarity": 4.0},
    cost=_cost,
    rows=lambda options: options.questions_per_context,
    kinds=lambda options: {way: options.questions_per_context * share for way, share in options.way_shares().items()},
    prompts=("ask/sql@1", "word/sql@1", "judge/sql@1", "judge/own_sql@1", "repair/sql@1"),
    example={
        "question": "Which three customers have spent the most in total?",
        "answer": "SELECT c.name, SUM(o.total) AS spent FROM customers AS c JOIN orders AS o ON o.customer_id = c.id "
        "GROUP BY c.id, c.name ORDER BY spent DESC LIMIT 3",
    },
    source="database",
    extra=Extra("sql", "duckdb"),
)
