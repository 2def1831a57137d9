"""The share of numbers and names that sentence and paraphrase both have, of those that either has."""

from app.catalog.kinds import Metric

FACTS_KEPT = Metric(
    summary="The share of numbers and names that sentence and paraphrase both have, of those that either has.",
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="facts_changed",
    tasks=frozenset({"paraphrase"}),
)
