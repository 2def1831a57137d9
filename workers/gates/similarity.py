"""Is the paraphrase about what the sentence is about? The cosine of their embeddings, by the worker's own model."""

from app.domain import Sample
from workers import sentence_encoder
from workers.gates import Measured
from workers.recipes.work import Work


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    cosine = await sentence_encoder.similarity(row.attributes["sentence"], row.answer)
    return {"similarity": (round(cosine, 3), f"cosine by {sentence_encoder.name()}")}
