"""Cosine of the embeddings of the paraphrase and its sentence."""

from app.catalog.kinds import Metric

SIMILARITY = Metric(
    summary="Cosine of the embeddings of the paraphrase and its sentence.",
    low=-1.0,
    high=1.0,
    threshold=0.65,
    reason="meaning_lost",
    local=True,
    tasks=frozenset({"paraphrase"}),
)
