"""ROUGE-2 of summary and text: F1 of their common pairs of words."""

from app.catalog.kinds import Metric

ROUGE_2 = Metric(
    summary="ROUGE-2 of summary and text: F1 of their common pairs of words.",
    low=0.0,
    high=1.0,
    threshold=0.1,
    reason="low_rouge",
    measured_by="rouge",
    tasks=frozenset({"summarise"}),
)
