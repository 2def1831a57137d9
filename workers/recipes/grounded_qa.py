"""Ask about a context, answer from it, evolve the questions, answer those too, measure every pair, keep what passes.

                 ask -> answer -> judge
                   \\-> evolve -> answer -> judge      (evolve_rounds times, each round from what the last one kept)

No step waits for another row's, but for its own parent's: a call is made as soon as what it reads is there.
"""

import asyncio

from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps import eliminate
from workers.steps.answer import answer
from workers.steps.ask import PROMPT as ASK
from workers.steps.ask import ask
from workers.steps.evolution import depth, evolve_rounds
from workers.steps.question import Question


async def make(work: Work) -> Outcome:
    """Rows of one context: n questions and their evolved forms. Every row that is not kept has its reason."""
    rounds: int = work.options["evolve_rounds"]
    outcome = Outcome()
    try:
        questions = await ask(work, work.options["questions_per_context"], ahead=1 + max(2, depth(work, rounds)))
    except Refused as refusal:
        outcome.add(Dropped(reason=refusal.reason, detail=refusal.detail, lineage=work.lineage((ASK,))))
        return outcome

    async def finish(question: Question, ahead: int) -> Sample | Dropped:
        return await answer_and_check(work, question, ahead=ahead)

    originals = asyncio.gather(*(finish(question, 0) for question in questions))
    evolved = evolve_rounds(work, questions, rounds, finish)
    for rows in await asyncio.gather(originals, evolved):
        for row in rows:
            outcome.add(row)
    return sort(outcome)


async def answer_and_check(work: Work, question: Question, *, ahead: int) -> Sample | Dropped:
    """One row, or why not: the gates measure it, the cheap ones before those that ask the judge."""
    row = await answer(work, question, ahead=2 + ahead)
    if isinstance(row, Dropped):
        return row
    if question.evolution and (fault := eliminate.of_answer(row.answer, work.context.language)):
        return gates.drop(row, *fault)
    return await gates.check(work, row, ahead=ahead)


def sort(outcome: Outcome) -> Outcome:
    """By question, not by the order in which replies happened to come: the same replies give the same rows."""
    outcome.kept.sort(key=lambda row: (row.kind != "original", row.question, row.answer))
    outcome.dropped.sort(key=lambda row: (row.kind != "original", row.question, row.reason))
    return outcome
