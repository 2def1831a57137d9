"""Length of the answer over the length that was asked for; up to 1 it was kept."""

from app.catalog.kinds import Metric

ASKED_LENGTH = Metric(
    summary="Length of the answer over the length that was asked for; up to 1 it was kept.",
    low=0.0,
    high=50.0,
    threshold=1.0,
    reason="wrong_length",
    keep="most",
    tasks=frozenset({"summarise"}),
)
