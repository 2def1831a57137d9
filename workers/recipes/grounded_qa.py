"""Ask about a context, answer from it, evolve the questions, answer those too, measure every pair, keep what passes.

                 ask -> answer -> judge
                   \\-> evolve -> answer -> judge      (evolve_rounds times, each round from the last one's questions)

No step waits for another row's: a call is made as soon as what it reads is there.
"""

import asyncio

from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps.answer import answer
from workers.steps.ask import PROMPT as ASK
from workers.steps.ask import ask
from workers.steps.evolve import evolve
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
        outcome.add(await answer_and_check(work, question))

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


async def answer_and_check(work: Work, question: Question) -> Sample | Dropped:
    """One row, or why not: the gates measure it, the cheap ones before those that ask the judge."""
    answered = await answer(work, question, ahead=2)
    return answered if isinstance(answered, Dropped) else await gates.check(work, answered)


def sort(outcome: Outcome) -> Outcome:
    """By question, not by the order in which replies happened to come: the same replies give the same rows."""
    outcome.kept.sort(key=lambda row: (row.kind != "original", row.question, row.answer))
    outcome.dropped.sort(key=lambda row: (row.kind != "original", row.question, row.reason))
    return outcome
