"""Is every claim of the answer stated in the context? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

FAITHFULNESS = Metric(
    summary="Is every claim of the answer stated in the context? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="not_faithful",
    measured_by="grounded_judge",
    calls=1,
)
