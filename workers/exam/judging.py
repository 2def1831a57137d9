"""The judge's grades of exam answers: a call an answer, each in the ledger before it is used: a restart is free."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
import uvloop

from app.db import engine
from app.domain import Context
from app.exams.records import ExamQuestion, Sat
from app.llm.asking import Asker
from app.llm.budget import Budget
from app.llm.ledger import Ledger
from app.llm.pool import Pools, Roles
from app.llm.protocol import Refused
from app.replies.exams import ExamGrade
from app.settings import settings
from workers import shutdown

log = structlog.get_logger()

PROMPT = "judge/exam@1"
AT_ONCE = 32
_NOTHING = Context(id="exam", chunks=(), language="en")


def grades(
    tenant_id: str, training_id: str, questions: Sequence[ExamQuestion], sat: Sat
) -> Mapping[str, list[float | None]]:
    """Candidate -> for each question the judge's grade, 0 to 1; None where it gave none.

    Raises ModelUnusable when no call can succeed. The calls stand in the ledger under the training's id.
    """
    return uvloop.run(_grade_all(tenant_id, training_id, questions, sat))


async def _grade_all(
    tenant_id: str, training_id: str, questions: Sequence[ExamQuestion], sat: Sat
) -> Mapping[str, list[float | None]]:
    pools, ledger = Pools(settings()), Ledger(engine(), settings().commit_linger_seconds)
    roles, budget, gate = Roles(pools, ""), Budget(None, None), asyncio.Semaphore(AT_ONCE)

    async def grade(place: int, question: ExamQuestion, answer: str) -> float | None:
        if not answer.strip():
            return 0.0
        asker = Asker(
            ledger=ledger,
            roles=roles,
            tenant_id=tenant_id,
            dataset_id=training_id,
            unit_id="exam",
            place=place,
            left=len(questions) - place,
            budget=budget,
        )
        async with gate:
            try:
                reply = await asker.ask(
                    PROMPT,
                    context=_NOTHING,
                    ahead=1,
                    role="judge",
                    question=question.question,
                    reference=question.answer,
                    answer=answer,
                )
            except Refused as refusal:
                log.warning("exam.not_graded", training_id=training_id, reason=refusal.reason)
                return None
        assert isinstance(reply, ExamGrade)
        return (reply.grade - 1) / 4

    try:
        found = {}
        for answers in sat.answers:
            found[answers.candidate] = list(
                await asyncio.gather(
                    *(grade(i, q, text) for i, (q, text) in enumerate(zip(questions, answers.texts, strict=True)))
                )
            )
        return found
    finally:
        await pools.close()
        await asyncio.to_thread(ledger.close, shutdown.requested)
