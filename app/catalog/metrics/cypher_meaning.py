"""Similarity of the question and of what a model, which sees the Cypher alone, says that it asks."""

from app.catalog.kinds import Metric

CYPHER_MEANING = Metric(
    summary="Similarity of the question and of what a model, which sees the Cypher alone, says that it asks.",
    low=-1.0,
    high=1.0,
    threshold=0.6,
    reason="cypher_meaning_lost",
    measured_by="cypher_back",
    calls=1,
    local=True,
    tasks=frozenset({"text_to_cypher"}),
)
