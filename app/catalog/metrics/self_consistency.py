"""The share of three new answers of the generator that say the same as the first; a number must agree exactly."""

from app.catalog.kinds import Metric

SELF_CONSISTENCY = Metric(
    summary="The share of three new answers of the generator that say the same as the first.",
    low=0.0,
    high=1.0,
    threshold=0.66,
    reason="not_consistent",
    calls=3,
)
