"""Let the judge grade a summary: is it true to the text, and does it say what matters?"""

from app.domain import Sample
from app.replies.text import SummaryVerdicts
from workers.gates import Measured
from workers.recipes.work import Work

PROMPT = "judge/summary@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    reply = await work.model.ask(
        PROMPT, context=work.context, ahead=ahead, role="judge", answer=row.answer, language=work.language
    )
    assert isinstance(reply, SummaryVerdicts)
    return {
        "summary_faithfulness": (float(reply.faithfulness), reply.reason),
        "summary_coverage": (float(reply.coverage), reply.reason),
    }
