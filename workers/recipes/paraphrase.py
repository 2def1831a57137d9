"""Say sentences of a context in other words, measure each paraphrase, keep those that mean the same in other words.

sentence drawn by seed -> k paraphrases in its style -> gates
"""

import asyncio

from app.catalog.tasks.paraphrase import ParaphraseOptions, ParaphraseStyle
from app.domain import Dropped, Sample, Span
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps.paraphrase import KIND, paraphrase, sentences
from workers.steps.shares import apportion


async def make(work: Work) -> Outcome:
    """Rows of one context. Every row that is not kept has its reason; a context without a sentence gives one."""
    options = ParaphraseOptions.model_validate(work.options)
    outcome = Outcome()
    spans = sentences(work, options)
    if not spans:
        detail = "the context has no further whole sentence of the length that is wanted"
        outcome.add(Dropped(reason="no_sentence", detail=detail, kind=KIND, lineage=work.lineage(())))

    async def measured(row: Sample | Dropped) -> None:
        outcome.add(await gates.check(work, row) if isinstance(row, Sample) else row)

    async def finish(span: Span, style: ParaphraseStyle) -> None:
        rows = await paraphrase(work, options, span, style, ahead=1 + gates.calls(work))
        await asyncio.gather(*map(measured, rows))

    shares = apportion(options.shares(), options.sentences_per_context, work.place)
    styles: list[ParaphraseStyle] = [style for style, count in shares.items() for _ in range(count)]
    work.random("styles").shuffle(styles)
    await asyncio.gather(*(finish(span, style) for span, style in zip(spans, styles, strict=False)))
    return outcome.sort()
