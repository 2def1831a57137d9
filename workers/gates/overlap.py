"""How much of the sentence's wording the paraphrase has kept: ROUGE-L (Lin 2004), without case and punctuation."""

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work
from workers.steps.eliminate import rouge_l


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    share = rouge_l(row.attributes["sentence"], row.answer)
    return {"overlap": (round(share, 3), "ROUGE-L of sentence and paraphrase")}
