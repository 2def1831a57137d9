"""Would someone ask this, and is the answer to the point? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

USEFULNESS = Metric(
    summary="Would someone ask this, and is the answer to the point? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=3.0,
    reason="not_useful",
    measured_by="grounded_judge",
    calls=1,
)
