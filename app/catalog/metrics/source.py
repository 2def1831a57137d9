"""How well the answer's quote is found in the stored text: 100 is verbatim (rapidfuzz partial ratio)."""

from app.catalog.kinds import Metric

SOURCE = Metric(
    summary="How well the answer's quote is found in the stored text: 100 is verbatim (rapidfuzz partial ratio).",
    low=0.0,
    high=100.0,
    threshold=90.0,
    reason="no_source",
)
