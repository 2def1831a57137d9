"""Ask about a context, answer from it, evolve the questions, answer those too, judge every pair, keep what passes.

                 ask -> answer -> judge
                   \\-> evolve -> answer -> judge      (evolve_rounds times, each round from the last one's questions)

No step waits for another row's: a call is made as soon as what it reads is there.
"""

import asyncio

from app import catalog
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from workers.recipes.work import Outcome, Work
from workers.steps.answer import Answered, answer
from workers.steps.ask import PROMPT as ASK
from workers.steps.ask import ask
from workers.steps.evolve import evolve
from workers.steps.judge import PROMPT as JUDGE
from workers.steps.judge import judge
from workers.steps.question import Question


async def make(work: Work) -> Outcome:
    """Rows of one context: n questions and their evolved forms. Every row that is not kept has its reason."""
    rounds: int = work.options["evolve_rounds"]
    outcome = Outcome()
    try:
        questions = await ask(work, work.options["questions_per_context"], ahead=3 + rounds if rounds else 3)
    except Refused as refusal:
        outcome.add(Dropped(reason=refusal.reason, detail=refusal.detail, lineage=work.lineage((ASK,))))
        return outcome

    async def finish(question: Question) -> None:
        outcome.add(await answer_and_judge(work, question))

    async def follow(question: Question, left: int) -> None:
        """Answer this question, and at the same time evolve it as often as is left."""
        if left == 0:
            await finish(question)
            return
        await asyncio.gather(finish(question), grow(question, left))

    async def grow(parent: Question, left: int) -> None:
        evolved = await evolve(work, parent, ahead=2 + left)
        if isinstance(evolved, Dropped):
            outcome.add(evolved)
        else:
            await follow(evolved, left - 1)

    await asyncio.gather(*(follow(question, rounds) for question in questions))
    return sort(outcome)


async def answer_and_judge(work: Work, question: Question) -> Sample | Dropped:
    """One row, or why not: the cheap gates (source, numbers) before the judge's call, its grades after."""
    answered = await answer(work, question, ahead=2)
    if isinstance(answered, Dropped):
        return answered
    if failed := first_failed(answered):
        return failed
    verdicts = await judge(work, answered, ahead=1)
    if isinstance(verdicts, Dropped):
        return verdicts
    lineage = work.lineage((*answered.lineage["prompts"], JUDGE))
    row = answered.model_copy(update={"verdicts": answered.verdicts + verdicts, "lineage": lineage})
    return first_failed(row) or row


def first_failed(row: Sample) -> Dropped | None:
    """The row as a dropped one, for the first gate that it did not pass."""
    for verdict in row.verdicts:
        if not verdict.passed:
            detail = f"{verdict.metric} {verdict.score:g}: {verdict.reason}"
            return drop(row, catalog.METRICS[verdict.metric].reason, detail)
    return None


def drop(row: Answered, reason: str, detail: str) -> Dropped:
    """The row as a dropped one: all of it is kept, for the report and for repair."""
    return Dropped(reason=reason, detail=detail, **{name: getattr(row, name) for name in Sample.model_fields})


def sort(outcome: Outcome) -> Outcome:
    """By question, not by the order in which replies happened to come: the same replies give the same rows."""
    outcome.kept.sort(key=lambda row: (row.kind != "original", row.question, row.answer))
    outcome.dropped.sort(key=lambda row: (row.kind != "original", row.question, row.reason))
    return outcome
