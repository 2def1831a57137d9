"""Does the question take thinking, or is its answer one stated fact? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

THOUGHT_NEEDED = Metric(
    summary="Does the question take thinking, or is its answer one stated fact? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=3.0,
    reason="no_thought_needed",
    measured_by="reasoning_judge",
    calls=1,
    tasks=frozenset({"reasoning"}),
)
