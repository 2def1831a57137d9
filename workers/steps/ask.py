"""Ask questions that the context answers."""

from app.replies import Questions
from workers.recipes.work import Work
from workers.steps.question import Question

PROMPT = "ask/grounded@1"


async def ask(work: Work, count: int, *, ahead: int) -> list[Question]:
    """`count` different questions. Raises Refused."""
    reply = await work.model.ask(
        PROMPT, context=work.context, ahead=ahead, count=count, language=work.language, avoid=list(work.avoid)
    )
    assert isinstance(reply, Questions)
    return [Question(text, (PROMPT,), path=str(i)) for i, text in enumerate(reply.questions[:count])]
