"""How sure a language detector is that question and answer are in the language asked for; the worse counts."""

from app.catalog.kinds import Metric

LANGUAGE = Metric(
    summary="How sure a language detector is that question and answer are in the language asked for; the worse counts.",
    low=0.0,
    high=1.0,
    threshold=0.1,
    reason="wrong_language",
)
