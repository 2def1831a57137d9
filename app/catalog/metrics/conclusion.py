"""Does the final answer follow from the context, completely? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

CONCLUSION = Metric(
    summary="Does the final answer follow from the context, completely? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="wrong_conclusion",
    measured_by="reasoning_judge",
    calls=1,
    tasks=frozenset({"reasoning"}),
)
