"""Evolve an uploaded instruction, answer every form of it, let the judge grade it, keep what passes.

    seed -> (grow -> new instructions)       each of them: answer -> judge
      \\-> evolve -> answer -> judge          evolve_rounds times; of the new instructions as well

The first chunk of the context is the seed's record as it was uploaded; the others are examples to grow from.
"""

import asyncio
import json
from typing import Any

from app.domain import Chunk, Dropped, Sample
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps.evolution import depth, evolve_rounds
from workers.steps.grow import grow
from workers.steps.instruction import Instruction, read
from workers.steps.question import Question
from workers.steps.respond import respond


async def make(work: Work) -> Outcome:
    """Rows of one uploaded instruction. Every row that is not kept has its reason."""
    rounds: int = work.options["evolve_rounds"]
    outcome = Outcome()
    seed, *others = (_instruction(chunk) for chunk in work.context.chunks)
    pool = [Question(seed.text, (), path="seed")]

    async def finish(question: Question, ahead: int) -> Sample | Dropped:
        given = seed.answer if question is pool[0] else ""
        row = await respond(work, question, _attributes(work, question), ahead=2 + ahead, given=given)
        return row if isinstance(row, Dropped) else await gates.check(work, row, ahead=ahead)

    if work.options["grow"]:
        texts = [seed.text, *(other.text for other in others)]
        grown, dropped = await grow(work, work.options["grow"], texts, ahead=1 + max(2, depth(work, rounds)))
        pool += grown
        outcome.dropped += dropped
    first = 0 if work.options["include_seeds"] and seed.text not in work.avoid else 1
    answered = asyncio.gather(*(finish(question, 0) for question in pool[first:]))
    for rows in await asyncio.gather(answered, evolve_rounds(work, pool, rounds, finish)):
        for row in rows:
            outcome.add(row)
    return _sorted(outcome)


def _instruction(chunk: Chunk) -> Instruction:
    """The planner has read the record before; a chunk that is none would be a fault of ours."""
    found = read(json.loads(chunk.text))
    if isinstance(found, str):
        raise ValueError(f"chunk {chunk.id}: {found}")
    return found


def _attributes(work: Work, question: Question) -> dict[str, Any]:
    """Where the row's seed was uploaded, and in how many rounds the row evolved from it."""
    seed = work.context.chunks[0]
    found = {"seed": {"document": seed.document_name, "place": seed.section}, "rounds": question.round}
    return found if question.path.startswith("seed") else {"rounds": question.round}


def _sorted(outcome: Outcome) -> Outcome:
    """By instruction, not by the order in which replies happened to come: the same replies give the same rows."""
    outcome.kept.sort(key=lambda row: (row.kind, row.question, row.answer))
    outcome.dropped.sort(key=lambda row: (row.kind, row.question, row.reason))
    return outcome
