"""Does a turn's question follow from the conversation, need it, and mean what its full form says? Judged, 1 to 5."""

from app.catalog.kinds import Metric

FOLLOWS = Metric(
    summary="Does a follow-up need the conversation, and mean in it what its full form says? Graded 1 to 5.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="not_follow_up",
    measured_by="follow_judge",
    calls=1,
    tasks=frozenset({"conversation"}),
)
