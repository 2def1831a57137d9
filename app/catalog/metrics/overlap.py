"""ROUGE-L of the paraphrase and its sentence: 1 is word for word."""

from app.catalog.kinds import Metric

OVERLAP = Metric(
    summary="ROUGE-L of the paraphrase and its sentence: 1 is word for word.",
    low=0.0,
    high=1.0,
    threshold=0.7,
    reason="not_reworded",
    keep="most",
    tasks=frozenset({"paraphrase"}),
)
