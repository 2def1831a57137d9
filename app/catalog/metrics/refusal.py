"""0 when the answer refuses or says it does not know, in under 80 words, or the question does; else 1."""

from app.catalog.kinds import Metric

REFUSAL = Metric(
    summary="0 when the answer refuses or says it does not know, in under 80 words, or the question does; else 1.",
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="refused",
)
