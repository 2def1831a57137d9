"""Answered again by the judge without the first answer, does the same come out? 0 to 100, by words and numbers."""

from app.catalog.kinds import Metric

ROUND_TRIP = Metric(
    summary="Answered again by the judge without the first answer, is it the same? 0 to 100, by words and numbers.",
    low=0.0,
    high=100.0,
    threshold=60.0,
    reason="no_round_trip",
    calls=1,
)
