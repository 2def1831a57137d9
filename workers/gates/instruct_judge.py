"""Let the judge answer an instruction in short and then grade the answer and the instruction, in one call."""

from app.domain import Sample
from app.replies import InstructVerdicts
from workers.gates import Measured
from workers.recipes.work import Work
from workers.steps.grade import grade

PROMPT = "judge/instruct@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    reply = await grade(work, row, PROMPT, ahead=ahead)
    assert isinstance(reply, InstructVerdicts)
    return {
        "correctness": (float(reply.correctness), f"{reply.reason} (the judge's own answer: {reply.own_answer})"),
        "helpfulness": (float(reply.helpfulness), reply.reason),
        "clarity": (float(reply.clarity), reply.reason),
    }
