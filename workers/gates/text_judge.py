"""Let the judge grade a text about entities: is it true to the document, and does it relate them?"""

from app.domain import Sample
from app.replies.text import TextVerdicts
from workers.gates import Measured
from workers.recipes.work import Work

PROMPT = "judge/text@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    reply = await work.model.ask(
        PROMPT,
        context=work.context,
        ahead=ahead,
        role="judge",
        text=row.answer,
        entities=row.attributes["entities"],
        language=work.language,
    )
    assert isinstance(reply, TextVerdicts)
    return {
        "text_faithfulness": (float(reply.faithfulness), reply.reason),
        "text_relation": (float(reply.relation), reply.reason),
    }
