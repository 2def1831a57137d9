"""Ask questions over a part of a database, execute the SQL of each behind walls, let the judge compare the two.

    model       ask question and SQL -> execute -> gates
    template    fill with values -> word the question -> execute -> gates

The unit's one chunk holds the schema it is about; what models are shown of it is CREATE TABLE statements. A row whose
SQL does not run, gives nothing, or changes its result when it is rewritten for the dialect asked for has its reason.
"""

import asyncio
from dataclasses import replace

from app.catalog.sql import Level, Way
from app.domain import Dropped, Sample
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps.shares import apportion
from workers.steps.sql_ask import templated, written
from workers.steps.sql_mend import mended
from workers.steps.sql_rows import About, Pair, about_of, row_of

_STEPS = {"model": written, "template": templated}


async def make(work: Work) -> Outcome:
    """Rows of one part of a schema. Every row that is not kept has its reason."""
    work, about = _shown(work)
    outcome = Outcome()

    async def of_way(way: Way, levels: list[Level]) -> list[Sample | Dropped]:
        pairs = await _STEPS[way](work, about, levels)
        return await asyncio.gather(*(_finished(work, about, pair) for pair in pairs))

    for rows in await asyncio.gather(*(of_way(way, levels) for way, levels in shared(work, about).items())):
        for row in rows:
            outcome.add(row)
    outcome.kept.sort(key=lambda row: (row.kind, row.question, row.answer))
    outcome.dropped.sort(key=lambda row: (row.kind, row.question, row.reason))
    return outcome


async def repair(work: Work, rejects: tuple[Dropped, ...]) -> Outcome:
    """One row for each reject, in their order: written anew, executed and judged like any other."""
    work, about = _shown(work)
    outcome = Outcome()

    async def again(reject: Dropped) -> Sample | Dropped:
        return await _finished(work, about, await mended(work, about, reject))

    for row in await asyncio.gather(*map(again, rejects)):
        outcome.add(row)
    return outcome


async def _finished(work: Work, about: About, pair: Pair | Dropped) -> Sample | Dropped:
    row = pair if isinstance(pair, Dropped) else await row_of(work, about, pair)
    return row if isinstance(row, Dropped) else await gates.check(work, row)


def _shown(work: Work) -> tuple[Work, About]:
    """The work with what models read in place of the chunk's JSON."""
    about = about_of(work)
    chunk = work.context.chunks[0].model_copy(update={"text": about.text})
    return replace(work, context=work.context.model_copy(update={"chunks": (chunk,)})), about


def shared(work: Work, about: About) -> dict[Way, list[Level]]:
    """Which levels the model writes and which templates are for; over the dataset both have their shares."""
    options, count = about.options, about.options.questions_per_context
    levels = [
        level for level, times in apportion(options.level_shares(), count, work.place).items() for _ in range(times)
    ]
    work.random("levels").shuffle(levels)
    found: dict[Way, list[Level]] = {}
    for way, times in apportion(options.way_shares(), count, work.place).items():
        found[way], levels = levels[:times], levels[times:]
    return found
