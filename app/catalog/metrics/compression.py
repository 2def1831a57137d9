"""Words of the summary over words of the text."""

from app.catalog.kinds import Metric

COMPRESSION = Metric(
    summary="Words of the summary over words of the text.",
    low=0.0,
    high=10.0,
    threshold=0.6,
    reason="not_compressed",
    keep="most",
    tasks=frozenset({"summarise"}),
)
