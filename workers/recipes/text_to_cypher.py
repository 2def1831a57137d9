"""Ask questions over a part of a graph, execute the Cypher of each behind walls, then validate both (SyntheT2C).

    model       ask question and Cypher -> execute -> gates
    template    fill with values -> word the question -> execute -> gates
    reverse     choose the answer -> ask question and Cypher -> execute -> does it hold the answer? -> gates

The unit's one chunk holds the part as JSON; models read the schema, sampled values and a piece of the graph. The five
validators of SyntheT2C (arXiv 2406.10710): execution and the schema check before it give rows reasons of their own,
the entity, semantic and coherence validators are gates.
"""

import asyncio
from dataclasses import replace

from app.catalog.cypher import Category, Way
from app.domain import Dropped, Sample
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.sandbox.graph_schema import shown
from workers.steps.cypher_ask import reversed_, templated, written
from workers.steps.cypher_mend import mended
from workers.steps.cypher_rows import About, Pair, about_of, row_of
from workers.steps.shares import apportion

_STEPS = {"model": written, "template": templated, "reverse": reversed_}


async def make(work: Work) -> Outcome:
    """Rows of one part of a graph. Every row that is not kept has its reason."""
    work, about = _shown(work)
    outcome = Outcome()

    async def of_way(way: Way, categories: list[Category]) -> list[Sample | Dropped]:
        pairs = await _STEPS[way](work, about, categories)
        return await asyncio.gather(*(_finished(work, about, pair) for pair in pairs))

    for rows in await asyncio.gather(*(of_way(way, found) for way, found in shared(work, about).items())):
        for row in rows:
            outcome.add(row)
    return outcome.sort()


async def repair(work: Work, rejects: tuple[Dropped, ...]) -> Outcome:
    """One row for each reject, in their order: written anew, executed and judged like any other."""
    work, about = _shown(work)
    outcome = Outcome()

    async def again(reject: Dropped) -> Sample | Dropped:
        return await _finished(work, about, await mended(work, reject))

    for row in await asyncio.gather(*map(again, rejects)):
        outcome.add(row)
    return outcome


async def _finished(work: Work, about: About, pair: Pair | Dropped) -> Sample | Dropped:
    row = pair if isinstance(pair, Dropped) else await row_of(work, about, pair)
    return row if isinstance(row, Dropped) else await gates.check(work, row)


def _shown(work: Work) -> tuple[Work, About]:
    """The work with what models read in place of the chunk's JSON."""
    about = about_of(work)
    text = shown(about.part, about.options.sampled_values)
    chunk = work.context.chunks[0].model_copy(update={"text": text})
    return replace(work, context=work.context.model_copy(update={"chunks": (chunk,)})), about


def shared(work: Work, about: About) -> dict[Way, list[Category]]:
    """Which categories the model writes and which templates are for; over the dataset both have their shares."""
    options, count = about.options, about.options.questions_per_context
    shares = apportion(options.category_shares(), count, work.place)
    categories = [category for category, times in shares.items() for _ in range(times)]
    work.random("categories").shuffle(categories)
    found: dict[Way, list[Category]] = {}
    for way, times in apportion(options.way_shares(), count, work.place).items():
        if times:
            found[way], categories = categories[:times], categories[times:]
    return found
