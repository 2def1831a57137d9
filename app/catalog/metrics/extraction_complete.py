"""Is everything extracted that the text says of the schema's properties? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

EXTRACTION_COMPLETE = Metric(
    summary="Is everything extracted that the text says of the schema's properties? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=3.0,
    reason="misses_values",
    measured_by="extraction_judge",
    calls=1,
    tasks=frozenset({"extract"}),
)
