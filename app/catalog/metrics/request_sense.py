"""Would a person who needs something send this request, and is it clear? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

REQUEST_SENSE = Metric(
    summary="Would a person who needs something send this request, and is it clear? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=3.0,
    reason="no_sense",
    measured_by="tool_judge",
    calls=1,
    tasks=frozenset({"tool_calls"}),
)
