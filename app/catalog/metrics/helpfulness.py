"""Does the answer do all that the instruction asks for? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

HELPFULNESS = Metric(
    summary="Does the answer do all that the instruction asks for? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="not_helpful",
    measured_by="instruct_judge",
    calls=1,
)
