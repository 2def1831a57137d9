"""Is every claim of a written text stated in the document? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

TEXT_FAITHFULNESS = Metric(
    summary="Is every claim of a written text stated in the document? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="not_faithful",
    measured_by="text_judge",
    calls=1,
    tasks=frozenset({"pretrain"}),
)
