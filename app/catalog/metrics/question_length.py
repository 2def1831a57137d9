"""Words of the question; two Chinese or Japanese signs count as one."""

from app.catalog.kinds import Metric

QUESTION_LENGTH = Metric(
    summary="Words of the question; two Chinese or Japanese signs count as one.",
    low=0.0,
    high=5000.0,
    threshold=2.0,
    reason="question_too_short",
    measured_by="length",
)
