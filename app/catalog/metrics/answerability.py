"""Can the question be answered from the context alone? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

ANSWERABILITY = Metric(
    summary="Can the question be answered from the context alone? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    keep_at_least=4.0,
    reason="not_answerable",
    calls=1,
)
