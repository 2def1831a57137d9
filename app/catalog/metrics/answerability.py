"""Can the question be answered from the context alone? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

ANSWERABILITY = Metric(
    summary="Can the question be answered from the context alone? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="not_answerable",
    measured_by="grounded_judge",
    calls=1,
)
