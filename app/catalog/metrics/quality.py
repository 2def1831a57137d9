"""How good is the answer? Graded 1 to 6 by the judge (DEITA, arXiv 2312.15685)."""

from app.catalog.kinds import Metric

QUALITY = Metric(
    summary="How good is the answer? Graded 1 to 6 by the judge (DEITA, arXiv 2312.15685).",
    low=1.0,
    high=6.0,
    threshold=3.0,
    reason="low_quality",
    measured_by="standing",
    calls=1,
)
