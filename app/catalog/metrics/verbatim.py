"""The share of the chosen sentences that stand in the text, letter for letter."""

from app.catalog.kinds import Metric

VERBATIM = Metric(
    summary="The share of the chosen sentences that stand in the text, letter for letter.",
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="not_verbatim",
    tasks=frozenset({"summarise"}),
)
