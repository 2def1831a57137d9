"""Is every claim and result of the answer right? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

CORRECTNESS = Metric(
    summary="Is every claim and result of the answer right? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="not_correct",
    measured_by="instruct_judge",
    calls=1,
)
