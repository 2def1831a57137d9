"""How demanding is the question? Graded 1 to 6 by the judge (DEITA, arXiv 2312.15685)."""

from app.catalog.kinds import Metric

COMPLEXITY = Metric(
    summary="How demanding is the question? Graded 1 to 6 by the judge (DEITA, arXiv 2312.15685).",
    low=1.0,
    high=6.0,
    threshold=2.0,
    reason="too_simple",
    measured_by="standing",
    calls=1,
)
