"""ROUGE-L of summary and text: F1 of the longest sequence of words in common."""

from app.catalog.kinds import Metric

ROUGE_L = Metric(
    summary="ROUGE-L of summary and text: F1 of the longest sequence of words in common.",
    low=0.0,
    high=1.0,
    threshold=0.1,
    reason="low_rouge",
    measured_by="rouge",
    tasks=frozenset({"summarise"}),
)
