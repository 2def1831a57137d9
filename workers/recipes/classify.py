"""Label a context's own text, write texts for labels, let the judge label both unseen, keep where it agrees.

chunk        label -> gates (the judge labels it too)
generated    write for labels that take turns -> gates (the judge labels each)
"""

import asyncio

from app.catalog.tasks.classify import ClassifyOptions
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps.examples import examples
from workers.steps.label import LABEL, about, label
from workers.steps.locate import span_of

REASON = "no_label"


async def make(work: Work) -> Outcome:
    """Rows of one context. Every row that is not kept has its reason."""
    options = ClassifyOptions.model_validate(work.options)
    outcome = Outcome()
    ahead = 1 + gates.calls(work)

    async def measured(row: Sample | Dropped) -> None:
        outcome.add(await gates.check(work, row) if isinstance(row, Sample) else row)

    async def own_text() -> None:
        await measured(await _chunk(work, options, ahead=ahead))

    async def written() -> None:
        await asyncio.gather(*map(measured, await examples(work, options, ahead=ahead)))

    first = [own_text()] if options.label_chunks and not work.round else []  # its label is the same every time
    await asyncio.gather(*first, *([written()] if options.generate else []))
    return outcome.sort()


async def _chunk(work: Work, options: ClassifyOptions, *, ahead: int) -> Sample | Dropped:
    """The context's text with its labels, or why it has none."""
    lineage = work.lineage((LABEL,))
    try:
        given = await label(work, options, work.context, ahead=ahead, by_judge=False)
    except Refused as refusal:
        return Dropped(reason=refusal.reason, detail=refusal.detail, kind="chunk", lineage=lineage)
    row = Sample(
        kind="chunk",
        sources=tuple(span_of(chunk, 0, len(chunk.text)) for chunk in work.context.chunks),
        lineage=lineage,
        **about(work, options, work.context.text, given),
    )
    return row if given else gates.drop(row, REASON, "none of the labels fits")
