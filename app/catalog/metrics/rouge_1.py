"""ROUGE-1 of summary and text: F1 of their common words."""

from app.catalog.kinds import Metric

ROUGE_1 = Metric(
    summary="ROUGE-1 of summary and text: F1 of their common words.",
    low=0.0,
    high=1.0,
    threshold=0.1,
    reason="low_rouge",
    measured_by="rouge",
    tasks=frozenset({"summarise"}),
)
