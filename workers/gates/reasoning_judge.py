"""Let the judge work the answer out itself and then grade the steps, the answer and the question, in one call."""

from app.domain import Sample
from app.replies.thoughts import ReasoningVerdicts
from workers.gates import Measured
from workers.gates.grounded_judge import agreement
from workers.recipes.work import Work

PROMPT = "judge/reasoning@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    """`row.answer` is the final answer alone; attribute `steps` has the way to it."""
    reply = await work.model.ask(
        PROMPT,
        context=work.context,
        ahead=ahead,
        role="judge",
        question=row.question,
        steps=[step["thought"] for step in row.attributes["steps"]],
        answer=row.answer,
        language=work.language,
    )
    assert isinstance(reply, ReasoningVerdicts)
    agreed = agreement(row.question, row.answer, reply.own_answer)
    return {
        "same_conclusion": (agreed, f"the judge's own answer: {reply.own_answer}"),
        "conclusion": (float(reply.conclusion), reply.flaw),
        "soundness": (float(reply.soundness), reply.flaw),
        "thought_needed": (float(reply.thought_needed), reply.flaw),
    }
