"""Words of the answer; two Chinese or Japanese signs count as one."""

from app.catalog.kinds import Metric

LENGTH = Metric(
    summary="Words of the answer; two Chinese or Japanese signs count as one.",
    low=0.0,
    high=5000.0,
    threshold=300.0,
    reason="too_long",
    keep="most",
)
