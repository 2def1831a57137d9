"""The packed text of a context as it is, and texts about pairs and triples of its entities, judged against it.

clean            join the stretches of the context
pair, triple     name entities -> write about each group that is its turn -> gates (the judge last)
"""

import asyncio
import math
import re

from app.catalog.tasks.pretrain import PretrainOptions
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps.locate import span_of
from workers.steps.relate import NAME, Group, entities, groups, relate
from workers.steps.shares import apportion

_BLANK = re.compile(r"[ \t]+(?=\n)|\n{3,}")


async def make(work: Work) -> Outcome:
    """Rows of one context. Every row that is not kept has its reason."""
    options = PretrainOptions.model_validate(work.options)
    outcome = Outcome()
    total = sum(options.shares.values())
    shares = {kind: share / total for kind, share in sorted(options.shares.items()) if share}
    counts: dict[str, int] = {str(kind): count for kind, count in apportion(shares, total, work.place).items()}
    if counts.pop("clean", 0) and not work.round:  # the text is the same in every round
        outcome.add(await gates.check(work, clean(work, options)))
    if counts:
        await _written(work, options, counts, outcome)
    return outcome.sort()


def clean(work: Work, options: PretrainOptions) -> Sample:
    """The context's own text: `separator` between documents, a blank line between stretches of one."""
    text, starts = "", []
    for before, chunk in zip((None, *work.context.chunks), work.context.chunks, strict=False):
        if before is None or before.document_id != chunk.document_id:
            text += options.separator if text else ""
            starts.append({"document": chunk.document_name, "start": len(text)})
        else:
            text += "\n\n"
        text += _BLANK.sub(lambda found: "\n\n" if found[0].startswith("\n") else "", chunk.text)
    return Sample(
        kind="clean",
        question="",
        answer=text,
        attributes={"documents": starts},
        sources=tuple(span_of(chunk, 0, len(chunk.text)) for chunk in work.context.chunks),
        lineage=work.lineage(()),
    )


async def _written(work: Work, options: PretrainOptions, counts: dict[str, int], outcome: Outcome) -> None:
    ahead = 1 + gates.calls(work)
    try:
        names = await entities(work, ahead=1 + ahead)
    except Refused as refusal:
        lineage = work.lineage((NAME,))
        outcome.add(Dropped(reason=refusal.reason, detail=refusal.detail, kind="pair", lineage=lineage))
        return

    async def finish(kind: str, group: Group) -> None:
        row = await relate(work, kind, group, ahead=ahead)
        outcome.add(await gates.check(work, row) if isinstance(row, Sample) else row)

    most = {str(kind): share for kind, share in options.shares.items()}
    wanted = []
    for kind, count in counts.items():
        found = groups(work, names, kind, count, math.ceil(most[kind]))
        wanted += [(kind, group) for group in found]
        for _ in range(count - len(found)):
            detail = f"no further {kind} of the {len(names)} entities that the text names"
            lineage = work.lineage((NAME,))
            outcome.add(Dropped(reason="no_entities", detail=detail, kind=kind, lineage=lineage))
    await asyncio.gather(*(finish(kind, group) for kind, group in wanted))
