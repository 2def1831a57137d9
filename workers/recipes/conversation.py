"""Hold conversations about a context: each turn is asked, answered and measured before the next one is asked.

    openings -> answer -> gates -> (ask the next, leaning on what was said -> does it lean? -> answer -> gates) ...
                                     \\-> one that the context does not answer -> refuse -> gates

A turn that fails ends its conversation, or drops it. Conversations do not wait for each other.
"""

import asyncio
from typing import Any

from app import catalog
from app.catalog.tasks.conversation import ConversationOptions
from app.domain import Dropped, Sample, Verdict
from app.llm.protocol import Refused
from app.replies.dialogue import MissingFollowUp
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps import follow
from workers.steps.ask import PLAIN, ask
from workers.steps.follow import Talk, Turn
from workers.steps.profile import Profile
from workers.steps.question import Question
from workers.steps.refuse import refuse
from workers.steps.shares import apportion

KIND = "conversation"
CALLS_A_TURN = 4  # one after the other: ask, answer, two judges
_SPOKEN = frozenset({"language", "standalone", "echo", "refusal"})  # what is measured of the words as they are said


async def make(work: Work) -> Outcome:
    """Conversations about one context. One that is not kept is a dropped row with the reason of its turn."""
    options = ConversationOptions.model_validate(work.options)
    outcome = Outcome()
    count, share = options.conversations_per_context, options.unanswerable_share
    refusing = apportion({False: 1 - share, True: share}, count, work.place).get(True, 0)
    lengths = [work.random("turns", number).randint(*options.sizes) for number in range(count)]
    try:
        openings = await ask(work, options, "single_hop", count, ahead=CALLS_A_TURN * max(lengths))
    except Refused as refusal:
        lost = {"kind": KIND, "lineage": work.lineage((PLAIN,))}
        outcome.add(Dropped(reason=refusal.reason, detail=refusal.detail, **lost))
        return outcome
    talks = (
        _converse(work, options, opening, lengths[number], _gap(work, number, lengths[number], number < refusing))
        for number, opening in enumerate(openings)
    )
    for row in await asyncio.gather(*talks):
        outcome.add(row)
    outcome.kept.sort(key=lambda row: (row.question, row.answer))
    outcome.dropped.sort(key=lambda row: (row.question, row.reason))
    return outcome


def _gap(work: Work, number: int, turns: int, refusing: bool) -> int | None:
    """Which turn (0 is the first) is the one that the context does not answer; never the opening."""
    return work.random("gap", number).randrange(1, turns) if refusing else None


async def _converse(
    work: Work, options: ConversationOptions, opening: Question, wanted: int, gap: int | None
) -> Sample | Dropped:
    """One conversation of `wanted` turns, or as many as did not fail."""
    drawn = Profile(persona=opening.attributes.get("persona"), style=opening.attributes.get("style"))
    talk = Talk(opening.text, drawn.words, opening.length, _told(opening), opening.prompts)
    for number in range(wanted):
        ahead = CALLS_A_TURN * (wanted - number - 1)
        said, row = await _turn(work, talk, missing=number == gap, ahead=ahead)
        if isinstance(row, Dropped):
            enough = number >= options.sizes[0] and options.failed_turn == "cut"
            return _closed(work, options, talk, cut=row) if enough else _failed(work, options, talk, said, row)
        talk.turns.append(Turn(said, row))
    return _closed(work, options, talk)


async def _turn(work: Work, talk: Talk, *, missing: bool, ahead: int) -> tuple[str, Sample | Dropped]:
    """What the user says next, and the measured row that answers it. `ahead`: calls of the turns that follow."""
    said = full = talk.opening
    refs: tuple[str, ...] = talk.prompts
    if talk.turns:
        ref = follow.ASK_MISSING if missing else follow.ASK
        refs = (*talk.prompts, ref)
        try:
            asked = await follow.ask_next(work, talk, missing=missing, ahead=ahead + CALLS_A_TURN)
        except Refused as refusal:
            return "", Dropped(reason=refusal.reason, detail=refusal.detail, lineage=work.lineage(refs))
        said, full = asked.question, asked.standalone
        about: dict[str, Any] = {"question": full, "lineage": work.lineage(refs)}
        if fault := follow.leans(talk, said, full):
            return said, Dropped(reason=fault[0], detail=fault[1], **about)
        if isinstance(asked, MissingFollowUp):
            attributes = {"said": said, "history": talk.history, "missing": asked.missing}
            question = Question(full, refs, type="unanswerable", attributes=attributes)
            return said, await _measured(work, await refuse(work, question, ahead=ahead + 2), said, ahead=ahead)
    row = await follow.answer_next(work, talk, said, full, ahead=ahead + 3)
    return said, await _measured(work, row, said, ahead=ahead)


async def _measured(work: Work, row: Sample | Dropped, said: str, *, ahead: int) -> Sample | Dropped:
    """The row after all gates: first the words as they are said, then the turn as its full form has it."""
    if isinstance(row, Dropped):
        return row
    if said != row.question:
        spoken = await gates.check(work, row.model_copy(update={"question": said}), only=_SPOKEN)
        if isinstance(spoken, Dropped):
            return spoken
    return await gates.check(work, row, ahead=ahead)


def _told(opening: Question) -> dict[str, Any]:
    """What the row says of who asks."""
    return {name: value for name, value in opening.attributes.items() if name in ("persona", "style", "length")}


def _closed(work: Work, options: ConversationOptions, talk: Talk, cut: Dropped | None = None) -> Sample:
    """The row of a conversation. `cut`: the turn before which it was ended."""
    found = _whole(work, options, talk)
    if cut is not None:
        why = {"turn": len(talk.turns) + 1, "reason": cut.reason, "detail": cut.detail}
        found["attributes"] |= {"cut": why}
    return Sample(answer=talk.turns[-1].row.answer, **found)


def _failed(work: Work, options: ConversationOptions, talk: Talk, said: str, lost: Dropped) -> Dropped:
    """A conversation that is not kept: its turns so far and, as the last message, what the user said then."""
    found = _whole(work, options, talk)
    if said:
        found["attributes"]["messages"].append({"role": "user", "content": said})
    found["verdicts"] += lost.verdicts
    found["lineage"] = work.lineage((*found["lineage"]["prompts"], *lost.lineage.get("prompts", ())))
    detail = f"turn {len(talk.turns) + 1}: {lost.detail}"
    return Dropped(reason=lost.reason, detail=detail, answer=lost.answer, **found)


def _whole(work: Work, options: ConversationOptions, talk: Talk) -> dict[str, Any]:
    """What is known of a conversation: its messages, and for each turn its full form, its sources and its scores."""
    messages = [{"role": "system", "content": options.system_prompt}] if options.system_prompt else []
    spans: dict[tuple[str, int, int], Any] = {}
    turns, refs = [], list(talk.prompts)
    for turn in talk.turns:
        row = turn.row
        messages.append({"role": "user", "content": turn.said})
        messages.append({"role": "assistant", "content": row.answer})
        keys = [(span.document_id, span.start, span.end) for span in row.sources]
        spans |= {key: span for key, span in zip(keys, row.sources, strict=True) if key not in spans}
        about = {"standalone": row.question, "answerable": row.kind != "unanswerable"}
        places = {"sources": [list(spans).index(key) for key in keys]}
        turns.append(about | places | {"scores": {verdict.metric: verdict.score for verdict in row.verdicts}})
        refs += row.lineage["prompts"]
    return {
        "kind": KIND,
        "question": talk.opening,
        "attributes": talk.attributes | {"messages": messages, "turns": turns},
        "sources": tuple(spans.values()),
        "verdicts": _worst(talk.turns),
        "lineage": work.lineage(tuple(dict.fromkeys(refs))),
    }


def _worst(turns: list[Turn]) -> tuple[Verdict, ...]:
    """Of each metric the first turn that did not pass, or else the one nearest to that."""
    found: dict[str, Verdict] = {}
    for number, turn in enumerate(turns, start=1):
        for verdict in turn.row.verdicts:
            told = verdict.model_copy(update={"reason": f"turn {number}: {verdict.reason}"})
            best = found.setdefault(verdict.metric, told)
            if _order(told) < _order(best):
                found[verdict.metric] = told
    return tuple(found.values())


def _order(verdict: Verdict) -> tuple[bool, float]:
    most = catalog.METRICS[verdict.metric].keep == "most"
    return verdict.passed, -verdict.score if most else verdict.score
