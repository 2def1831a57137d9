"""Does the judge, answering the question itself, come to the same answer? 0 to 100, by their words and numbers."""

from app.catalog.kinds import Metric

AGREEMENT = Metric(
    summary="Does the judge, answering the question itself, come to the same answer? 0 to 100, by words and numbers.",
    low=0.0,
    high=100.0,
    threshold=60.0,
    reason="no_agreement",
    measured_by="grounded_judge",
    calls=1,
)
