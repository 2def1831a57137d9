"""How far the judge, who does not see the labels given, gives the text the same ones: common labels over all."""

from app.catalog.kinds import Metric

LABEL_AGREEMENT = Metric(
    summary="How far the judge, who does not see the labels given, gives the text the same ones: common over all.",
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="label_disagrees",
    calls=1,
    tasks=frozenset({"classify"}),
)
