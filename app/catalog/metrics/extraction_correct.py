"""Is every value what the text says of its property? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

EXTRACTION_CORRECT = Metric(
    summary="Is every value what the text says of its property? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="wrong_value",
    measured_by="extraction_judge",
    calls=1,
    tasks=frozenset({"extract"}),
)
