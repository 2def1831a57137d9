"""The judge's grade of the chosen answer's faithfulness, 1 to 5: the lower of the two orders."""

from app.catalog.kinds import Metric

CHOSEN_FAITHFULNESS = Metric(
    summary="The judge's grade of the chosen answer's faithfulness, 1 to 5: the lower of the two orders.",
    low=1.0,
    high=5.0,
    threshold=4.0,
    reason="chosen_not_faithful",
    measured_by="preference",
    tasks=frozenset({"preferences"}),
)
