"""Let the judge grade a request, the calls made for it and the answer, in one call."""

from app.domain import Sample
from app.replies.tools import ToolVerdicts
from workers.gates import Measured
from workers.recipes.work import Work

PROMPT = "judge/tools@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    """Attribute `made` has a line for each call and its result."""
    reply = await work.model.ask(
        PROMPT,
        context=work.context,
        ahead=ahead,
        role="judge",
        question=row.question,
        made=row.attributes["made"],
        answer=row.answer,
        language=work.language,
    )
    assert isinstance(reply, ToolVerdicts)
    return {
        "tool_choice": (float(reply.tool_choice), reply.flaw),
        "result_use": (float(reply.result_use), reply.flaw),
        "request_sense": (float(reply.request_sense), reply.flaw),
    }
