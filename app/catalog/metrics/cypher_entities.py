"""Share of the question's names, quoted words and numbers that stand in its Cypher, inflected or not."""

from app.catalog.kinds import Metric

CYPHER_ENTITIES = Metric(
    summary="Share of the question's names, quoted words and numbers that stand in its Cypher, inflected or not.",
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="entity_missing",
    tasks=frozenset({"text_to_cypher"}),
)
