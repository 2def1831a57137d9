"""Self-consistency (arXiv 2203.11171): of `ANSWERS` new answers by the generator, how many say what the row says?"""

import asyncio

from app.domain import Sample
from app.replies import AnswerAlone
from workers.gates import Measured
from workers.gates.round_trip import PROMPT, same
from workers.recipes.work import Work

PROMPTS = (PROMPT,)
ANSWERS = 3  # the metric's `calls`
AGREES = 50.0  # of 100, see `same`


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    """They are asked at once: the longest path from here is as long as for one."""
    path = ahead - ANSWERS + 1
    replies = await asyncio.gather(
        *(
            work.model.ask(
                PROMPT, context=work.context, ahead=path, sample=i + 1, question=row.question, language=work.language
            )
            for i in range(ANSWERS)
        )
    )
    answers = [reply.answer for reply in replies if isinstance(reply, AnswerAlone)]
    agreeing = sum(same(row.question, row.answer, answer) >= AGREES for answer in answers)
    return {"self_consistency": (round(agreeing / ANSWERS, 2), "answers: " + " | ".join(answers))}
