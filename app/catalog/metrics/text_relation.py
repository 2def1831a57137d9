"""Does a written text say how its entities are related? Graded 1 to 5 by the judge."""

from app.catalog.kinds import Metric

TEXT_RELATION = Metric(
    summary="Does a written text say how its entities are related? Graded 1 to 5 by the judge.",
    low=1.0,
    high=5.0,
    threshold=3.0,
    reason="not_related",
    measured_by="text_judge",
    calls=1,
    tasks=frozenset({"pretrain"}),
)
