"""Does the answer say what the calls gave back, and nothing else? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

RESULT_USE = Metric(
    summary="Does the answer say what the calls gave back, and nothing else? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="misused_results",
    measured_by="tool_judge",
    calls=1,
    tasks=frozenset({"tool_calls"}),
)
