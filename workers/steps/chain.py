"""Ask for questions of several hops, answer them hop by hop, and see that no hop can be left out."""

import asyncio
from collections.abc import Iterable
from typing import Any

from app.catalog.questions import LENGTHS
from app.catalog.tasks.multi_hop_qa import HopType, MultiHopQaOptions
from app.domain import Context, Dropped, Sample
from app.llm.protocol import Refused
from app.replies import OwnAnswer
from app.replies.chains import ChainAnswer, ChainQuestions
from workers import gates
from workers.gates.grounded_judge import agreement
from workers.recipes.work import Work
from workers.steps import hops
from workers.steps.answer import is_unknown
from workers.steps.ask import avoid
from workers.steps.locate import chunk_of, locate_all
from workers.steps.profile import draw, told
from workers.steps.question import Question

ASK = "ask/hops@1"
ANSWER = "answer/hops@1"
TRY = "judge/own_answer@1"


async def ask_chains(
    work: Work, options: MultiHopQaOptions, kind: HopType, wanted: int, count: int, *, ahead: int
) -> list[Question]:
    """`count` different questions of one type over `wanted` chunks, in one call. Raises Refused."""
    profiles = draw(work, options, "multi_hop", count, purpose=f"{kind}.{wanted}")
    reply = await work.model.ask(
        ASK,
        context=work.context,
        ahead=ahead,
        count=count,
        language=work.language,
        avoid=avoid(work),
        profiles=told(profiles),
        type=kind,
        hops=wanted,
    )
    assert isinstance(reply, ChainQuestions)
    return [
        Question(
            asked.question,
            (ASK,),
            origin=kind,
            type="multi_hop",
            length=profile.length or "medium",
            attributes=profile.attributes("multi_hop") | {"hop_type": kind},
        )
        for asked, profile in zip(reply.questions, profiles, strict=False)
    ]


async def answer_chain(work: Work, question: Question, wanted: int, *, ahead: int) -> Sample | Dropped:
    """A row with one hop for each quote, not measured yet. `attributes.hops`: quote and finding of each, in order."""
    about: dict[str, Any] = {
        "kind": question.kind,
        "question": question.text,
        "lineage": work.lineage((*question.prompts, ANSWER)),
    }
    try:
        reply = await work.model.ask(
            ANSWER,
            context=work.context,
            ahead=ahead,
            question=question.text,
            language=work.language,
            length=LENGTHS[question.length],
            hops=wanted,
        )
    except Refused as refusal:
        return Dropped(reason=refusal.reason, detail=refusal.detail, attributes=question.attributes, **about)
    assert isinstance(reply, ChainAnswer)
    spans, missing = locate_all(work.context, (hop.quote for hop in reply.hops))
    chain = {"hops": [{"quote": hop.quote, "finding": hop.finding} for hop in reply.hops]}
    about["attributes"] = question.attributes | chain | ({"unlocated_quotes": missing} if missing else {})
    if is_unknown(reply.answer) and work.gates["source"]:
        return Dropped(reason="unanswerable", detail="the context does not answer it", answer=reply.answer, **about)
    return Sample(answer=reply.answer, sources=spans, **about)


def all_needed(work: Work, row: Sample, wanted: int, *, across: bool) -> Sample | Dropped:
    """The row, or why it has fewer hops than it was to have. No model is asked.

    Its quotes stand in `wanted` chunks or more (and, with `across`, in two documents); and for each of these chunks the
    quotes of the others lack a content word that question and answer need, so that none can be left out by its words.
    """
    if row.attributes.get("unlocated_quotes") and work.gates.get("source"):
        return row  # the source gate drops it, with a better reason
    quotes = _quotes(work, row)
    if len(quotes) < wanted:
        return gates.drop(row, hops.REASON, f"its quotes stand in {len(quotes)} chunks, and were to stand in {wanted}")
    if across and len({span.document_id for span in row.sources}) < 2:
        return gates.drop(row, hops.REASON, "its quotes stand in one document")
    needed = hops.needed_words(row, quotes.values())
    for number in quotes:
        others = set().union(*(words for other, words in quotes.items() if other != number))
        if all(hops.has(others, word) for word in needed):
            return gates.drop(row, hops.REASON, f"the quotes say all of it without those of chunk {number + 1}")
    return row


async def no_shortcut(work: Work, row: Sample, options: MultiHopQaOptions, *, ahead: int) -> Sample | Dropped:
    """The judge answers from the quoted chunks but one, for each of them in turn, and must fail each time.

    Of two hops that is each chunk alone. With `likeliest` only the chunk that quotes least is left out: one call.
    """
    quoted: dict[int, int] = {}
    for span in row.sources:
        number = chunk_of(work.context, span)
        quoted[number] = quoted.get(number, 0) + len(span.quote)
    tried = sorted(quoted) if options.shortcuts == "each" else [min(quoted, key=lambda number: quoted[number])]

    async def without(number: int) -> str | None:
        """The judge's answer, if it is the row's."""
        rest = _some(work.context, (other for other in sorted(quoted) if other != number))
        reply = await work.model.ask(TRY, context=rest, ahead=ahead, role="judge", question=row.question)
        assert isinstance(reply, OwnAnswer)
        own = reply.own_answer
        same = not is_unknown(own) and agreement(row.question, row.answer, own) >= hops.SAME_ANSWER
        return own if same else None

    try:
        found = await asyncio.gather(*(without(number) for number in tried))
    except Refused as refusal:
        return gates.drop(row, f"judge_{refusal.reason}", refusal.detail)
    row = row.model_copy(update={"lineage": work.lineage((*row.lineage["prompts"], TRY))})
    for number, own in zip(tried, found, strict=True):
        if own is not None:
            return gates.drop(row, "shortcut", f"the judge answers it without chunk {number + 1}: {own}")
    return row


def _quotes(work: Work, row: Sample) -> dict[int, set[str]]:
    """The content words of the quotes, by the chunk they stand in."""
    found: dict[int, set[str]] = {}
    for span in row.sources:
        found.setdefault(chunk_of(work.context, span), set()).update(hops.content_words(span.quote))
    return found


def _some(context: Context, numbers: Iterable[int]) -> Context:
    return context.model_copy(update={"chunks": tuple(context.chunks[number] for number in numbers)})
