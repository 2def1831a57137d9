"""0 when the answer is nothing but punctuation and stop words; else 1."""

from app.catalog.kinds import Metric

STOP_WORDS = Metric(
    summary="0 when the answer is nothing but punctuation and stop words; else 1.",
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="says_nothing",
)
