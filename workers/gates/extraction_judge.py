"""Let the judge grade extracted values: is each what the text says, and is anything missing?"""

from app.domain import Sample
from app.replies.text import ExtractionVerdicts
from workers.gates import Measured
from workers.recipes.work import Work
from workers.steps.extract import written

PROMPT = "judge/extraction@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    reply = await work.model.ask(
        PROMPT,
        context=work.context,
        ahead=ahead,
        role="judge",
        schema=written(row.attributes["schema"]),
        value=row.answer,
        language=work.language,
    )
    assert isinstance(reply, ExtractionVerdicts)
    return {
        "extraction_correct": (float(reply.correct), reply.reason),
        "extraction_complete": (float(reply.complete), reply.reason),
    }
