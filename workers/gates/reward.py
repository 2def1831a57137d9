"""What a reward model on the worker's own machine gives the pair of question and answer: its one raw logit."""

from app.domain import Sample
from app.settings import settings
from workers import cross_encoder
from workers.gates import Measured
from workers.recipes.work import Work


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    name = settings().reward_model
    logits = await cross_encoder.logits(name, row.question, row.answer)
    if logits.size != 1:
        raise ValueError(f"CORPUSMITH_REWARD_MODEL {name}: it has {logits.size} labels, a reward model has one")
    return {"reward": (round(float(logits[0]), 3), "the reward model's number")}
