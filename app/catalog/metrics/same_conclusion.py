"""Does the judge, thinking for itself, come to the same answer? 0 to 100, by words and numbers."""

from app.catalog.kinds import Metric

SAME_CONCLUSION = Metric(
    summary="Does the judge, thinking for itself, come to the same answer? 0 to 100, by words and numbers.",
    low=0.0,
    high=100.0,
    threshold=60.0,
    reason="other_conclusion",
    measured_by="reasoning_judge",
    calls=1,
    tasks=frozenset({"reasoning"}),
)
