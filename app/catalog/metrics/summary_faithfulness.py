"""Is every claim of the summary stated in the text? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

SUMMARY_FAITHFULNESS = Metric(
    summary="Is every claim of the summary stated in the text? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="not_faithful",
    measured_by="summary_judge",
    calls=1,
    tasks=frozenset({"summarise"}),
)
