"""Of the values that the model gave, the share that stands in the text."""

from app.catalog.kinds import Metric

LOCATED = Metric(
    summary="Of the values that the model gave, the share that stands in the text.",
    low=0.0,
    high=1.0,
    threshold=0.5,
    reason="values_not_in_text",
    tasks=frozenset({"extract"}),
)
