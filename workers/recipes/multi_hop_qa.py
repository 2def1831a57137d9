"""Ask questions of several hops, answer them hop by hop, measure each, and look for a way around every hop.

for each type and number of hops:   ask -> answer -> are all hops needed? -> gates -> can the judge do without one?
"""

import asyncio

from app.catalog.tasks.multi_hop_qa import HopType, MultiHopQaOptions
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps import chain, hops
from workers.steps.question import Question
from workers.steps.shares import apportion


async def make(work: Work) -> Outcome:
    """Rows of one context, of the types and numbers of hops that are its turn. What is not kept has its reason."""
    options = MultiHopQaOptions.model_validate(work.options)
    outcome = Outcome()
    shares = apportion(options.shares(), options.questions_per_context, work.place)
    groups = (_group(work, options, kind, wanted, count) for (kind, wanted), count in shares.items())
    for rows in await asyncio.gather(*groups):
        for row in rows:
            outcome.add(row)
    outcome.kept.sort(key=lambda row: (row.kind, row.question, row.answer))
    outcome.dropped.sort(key=lambda row: (row.kind, row.question, row.reason))
    return outcome


async def _group(
    work: Work, options: MultiHopQaOptions, kind: HopType, wanted: int, count: int
) -> list[Sample | Dropped]:
    if len(work.context.chunks) < wanted:
        detail = f"the context has {len(work.context.chunks)} chunks, and {wanted} are needed"
        return [_lost(work, kind, hops.REASON, detail)] * count
    try:
        questions = await chain.ask_chains(work, options, kind, wanted, count, ahead=4)
    except Refused as refusal:
        return [_lost(work, kind, refusal.reason, refusal.detail, (chain.ASK,))]
    return list(await asyncio.gather(*(_row(work, options, question, wanted) for question in questions)))


async def _row(work: Work, options: MultiHopQaOptions, question: Question, wanted: int) -> Sample | Dropped:
    last = int(options.shortcuts != "off")
    row: Sample | Dropped = await chain.answer_chain(work, question, wanted, ahead=2 + last)
    if isinstance(row, Sample):
        row = chain.all_needed(work, row, wanted, across=options.across_documents)
    if isinstance(row, Sample):
        row = await gates.check(work, row, ahead=last)
    if last and isinstance(row, Sample):
        row = await chain.no_shortcut(work, row, options, ahead=1)
    return row


def _lost(work: Work, kind: HopType, reason: str, detail: str, sent: tuple[str, ...] = ()) -> Dropped:
    attributes = {"question_type": "multi_hop", "hop_type": kind}
    return Dropped(reason=reason, detail=detail, kind=kind, attributes=attributes, lineage=work.lineage(sent))
