"""The share of the answer's names that stand in its context; 1 when it has none."""

from app.catalog.kinds import Metric

NAMES = Metric(
    summary="The share of the answer's names that stand in its context; 1 when it has none.",
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="unsupported_name",
)
