"""Does the cited text entail the answer? The probability a local cross-encoder gives to it."""

from app.catalog.kinds import Metric

NLI = Metric(
    summary="Does the cited text entail the answer? The probability a local cross-encoder gives to it.",
    low=0.0,
    high=1.0,
    threshold=0.5,
    reason="not_entailed",
    local=True,
    needs="nli_model",
)
