"""DEITA's two grades (arXiv 2312.15685), complexity of the question and quality of the answer, 1 to 6.

The paper has a trained scorer for each. A judge that reads question and answer once gives both in one call: the prompt
says which of the two each grade is about. `workers.select.deita` chooses rows by their product.
"""

from app.domain import Sample
from app.replies import Standing
from workers.gates import Measured
from workers.recipes.work import Work
from workers.steps.grade import grade

PROMPT = "judge/standing@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    reply = await grade(work, row, PROMPT, ahead=ahead)
    assert isinstance(reply, Standing)
    return {"complexity": (float(reply.complexity), reply.reason), "quality": (float(reply.quality), reply.reason)}
