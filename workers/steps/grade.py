"""Show the judge a row: its question and its answer, after what they are about."""

from app.domain import Sample
from app.replies import Reply
from workers.recipes.work import Work


async def grade(work: Work, row: Sample, prompt: str, *, ahead: int) -> Reply:
    """The judge's reply to `prompt`. Raises Refused."""
    return await work.model.ask(
        prompt,
        context=work.context,
        ahead=ahead,
        role="judge",
        question=row.question,
        answer=row.answer,
        language=work.language,
    )
