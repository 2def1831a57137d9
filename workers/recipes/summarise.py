"""Summarise a context in the styles and lengths that are its turn, measure each summary, keep what passes.

abstractive    write -> gates
extractive     choose sentences -> find them in the text -> gates
"""

import asyncio

from app.catalog.tasks.summarise import SummariseOptions
from app.domain import Sample
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps.shares import apportion
from workers.steps.summary import Asked, asked, summarise


async def make(work: Work) -> Outcome:
    """Rows of one context: n summaries. Every row that is not kept has its reason."""
    options = SummariseOptions.model_validate(work.options)
    outcome = Outcome()

    async def finish(wanted: Asked) -> None:
        row = await summarise(work, wanted, ahead=1 + gates.calls(work))
        outcome.add(await gates.check(work, row) if isinstance(row, Sample) else row)

    await asyncio.gather(*(finish(wanted) for wanted in _wanted(work, options)))
    return outcome.sort()


def _wanted(work: Work, options: SummariseOptions) -> list[Asked]:
    """Styles by their exact shares over the dataset, lengths drawn by weight."""
    shares = apportion(options.shares(), options.summaries_per_context, work.place)
    styles = [style for style, count in shares.items() for _ in range(count)]
    weights = [limit.weight for limit in options.lengths]
    limits = work.random("length").choices(options.lengths, weights, k=len(styles))
    return [asked(work, style, limit, i) for i, (style, limit) in enumerate(zip(styles, limits, strict=True))]
