"""Evolve questions over several rounds, as Evol-Instruct does (arXiv 2304.12244): what fails returns its parent."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Set
from random import Random

from app.catalog.evolving import weights
from app.domain import Dropped, Sample
from workers.recipes.work import Work
from workers.steps.evolve import evolve
from workers.steps.question import Question

# Answers and measures a question. The number: model calls that follow in the unit once its row is kept.
Finish = Callable[[Question, int], Awaitable[Sample | Dropped]]


async def evolve_rounds(work: Work, questions: list[Question], rounds: int, finish: Finish) -> list[Sample | Dropped]:
    """The rows of all evolved questions, kept and dropped, in the order of `questions` and of the rounds.

    The pool begins as `questions` (which are not finished here). In each round every member is evolved once, by an
    operator drawn by weight. An evolved question whose row is kept takes its parent's place in the pool. One that is
    eliminated, or whose row is dropped, leaves its parent there: the next round evolves it with another operator.
    Members do not wait for each other.
    """
    chains = await asyncio.gather(*(_chain(work, question, rounds, finish) for question in questions))
    return [row for chain in chains for row in chain]


def depth(work: Work, rounds: int) -> int:
    """Model calls one after the other in so many rounds: evolve, perhaps the judge of gain, answer, judge."""
    return rounds * (4 if work.options.get("eliminate") == "judge" else 3)


async def _chain(work: Work, member: Question, rounds: int, finish: Finish) -> list[Sample | Dropped]:
    rows: list[Sample | Dropped] = []
    failed: set[str] = set()
    chosen = weights(work.options["evolutions"])
    for number in range(rounds):
        operator = draw(chosen, failed, work.random("evolve", member.path, number))
        if operator is None:  # each has failed on this member; the same call again would get the same reply
            break
        evolved = await evolve(work, member, operator, ahead=depth(work, rounds - number))
        row = evolved if isinstance(evolved, Dropped) else await finish(evolved, depth(work, rounds - number - 1))
        rows.append(row)
        if isinstance(evolved, Question) and isinstance(row, Sample):
            member, failed = evolved, set()
        else:
            failed.add(operator)
    return rows


def draw(chosen: Mapping[str, float], failed: Set[str], random: Random) -> str | None:
    """An operator, drawn by weight from those that have not failed; None if there is none left."""
    left = {name: chosen[name] for name in sorted(chosen) if chosen[name] > 0 and name not in failed}
    return random.choices(list(left), list(left.values()))[0] if left else None
