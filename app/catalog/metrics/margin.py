"""By how many rubric points the chosen answer beats the rejected one, in the order in which it beats it by less."""

from app.catalog.kinds import Metric

MARGIN = Metric(
    summary="By how many rubric points the chosen answer beats the rejected one, in the less favourable order.",
    low=0.0,
    high=4.0,
    threshold=1.0,
    reason="small_margin",
    measured_by="preference",
    tasks=frozenset({"preferences"}),
)
