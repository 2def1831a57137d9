"""Of the properties that the schema has, the share with a value."""

from app.catalog.kinds import Metric

FILLED = Metric(
    summary="Of the properties that the schema has, the share with a value.",
    low=0.0,
    high=1.0,
    threshold=0.05,
    reason="nothing_found",
    tasks=frozenset({"extract"}),
)
