"""The share of the numbers in an answer that stand in its context or question; 1 when it has none."""

from app.catalog.kinds import Metric

NUMBERS = Metric(
    summary="The share of the numbers in an answer that stand in its context or question; 1 when it has none.",
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="unsupported_number",
)
