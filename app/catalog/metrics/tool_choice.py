"""Are these the calls the request needs, with values that were said or found out? Graded 1 to 5."""

from app.catalog.kinds import Metric

TOOL_CHOICE = Metric(
    summary="Are these the calls the request needs, with values that were said or found out? Graded 1 to 5.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="wrong_calls",
    measured_by="tool_judge",
    calls=1,
    tasks=frozenset({"tool_calls"}),
)
