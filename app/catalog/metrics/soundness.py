"""Does each step say what its quote says, or follow from the steps before? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

SOUNDNESS = Metric(
    summary="Does each step say what its quote says, or follow from the steps before? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="unsound_steps",
    measured_by="reasoning_judge",
    calls=1,
    tasks=frozenset({"reasoning"}),
)
