"""Is the instruction clear, and can it be carried out as it stands? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

CLARITY = Metric(
    summary="Is the instruction clear, and can it be carried out as it stands? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=3.0,
    reason="not_clear",
    measured_by="instruct_judge",
    calls=1,
)
