"""Ask about a context, answer from it, evolve the questions, answer those too, measure every pair, keep what passes.

    single_hop, multi_hop    ask -> answer -> gates
                               \\-> evolve -> answer -> gates    (evolve_rounds times, each from what the last one kept)
    unanswerable             ask -> try to answer -> refuse -> gates
    multiple_choice          ask -> gates -> the judge must choose the key
    true_false               ask -> gates -> the judge must say the label
    cloze                    take a word out of a sentence -> gates
    the user's own           answer -> gates

No step waits for another row's, but for its own parent's: a call is made as soon as what it reads is there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from app.catalog.questions import QuestionType
from app.catalog.tasks.grounded_qa import GroundedQaOptions
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from workers import gates
from workers.recipes.work import Outcome, Work
from workers.steps import choices, hops, statements
from workers.steps.answer import answer
from workers.steps.ask import PROMPTS, ask, seeded
from workers.steps.cloze import cloze
from workers.steps.evolution import depth, evolve_rounds
from workers.steps.question import Question
from workers.steps.refuse import refuse
from workers.steps.shares import apportion

Row = Sample | Dropped


async def make(work: Work) -> Outcome:
    """Rows of one context: n questions of the types that are its turn, and the evolved forms of open ones.

    Every row that is not kept has its reason.
    """
    options = GroundedQaOptions.model_validate(work.options)
    outcome = Outcome()

    async def of_type(kind: QuestionType, count: int) -> None:
        if kind == "multi_hop" and len(work.context.chunks) < 2:
            no_hops(work, count, outcome)
        elif kind in ("single_hop", "multi_hop"):
            await open_questions(work, options, kind, count, outcome)
        elif kind == "unanswerable":
            await unanswerable(work, options, count, outcome)
        elif kind == "multiple_choice":
            asking = choices.ask_choices(work, options, count, ahead=2)
            await closed(work, kind, choices.ASK, asking, choices.check_key, outcome)
        elif kind == "true_false":
            asking = statements.ask_statements(work, options, count, ahead=2)
            await closed(work, kind, statements.ASK, asking, statements.check_label, outcome)
        else:
            await measured(work, cloze(work, count), outcome)

    shares = apportion(options.shares(), options.questions_per_context, work.place)
    own = asyncio.gather(*(answer_and_check(work, options, question) for question in seeded(work)))
    _, rows = await asyncio.gather(asyncio.gather(*(of_type(kind, count) for kind, count in shares.items())), own)
    for row in rows:
        outcome.add(row)
    return sort(outcome)


async def open_questions(
    work: Work, options: GroundedQaOptions, kind: QuestionType, count: int, outcome: Outcome
) -> None:
    """Questions to be answered in words, and what they are evolved into."""
    rounds = options.evolve_rounds
    try:
        questions = await ask(work, options, kind, count, ahead=1 + max(2, depth(work, rounds)))
    except Refused as refusal:
        outcome.add(not_asked(work, kind, PROMPTS[kind], refusal))
        return

    async def finish(question: Question, ahead: int) -> Row:
        return await answer_and_check(work, options, question, ahead=ahead)

    originals = asyncio.gather(*(finish(question, 0) for question in questions))
    evolved = evolve_rounds(work, questions, rounds, finish)
    for rows in await asyncio.gather(originals, evolved):
        for row in rows:
            outcome.add(row)


async def answer_and_check(work: Work, options: GroundedQaOptions, question: Question, *, ahead: int = 0) -> Row:
    """One row, or why not: the gates measure it, the cheap ones before those that ask the judge.

    `ahead`: calls that follow once the row is kept.
    """
    many = question.type == "multi_hop"
    last = int(many and options.check_hops)
    row: Row = await answer(work, question, ahead=2 + last + ahead)
    if many and isinstance(row, Sample):
        row = hops.joined(work, row)
    if isinstance(row, Sample):
        row = await gates.check(work, row, ahead=last + ahead)
    if last and isinstance(row, Sample):
        row = await hops.check_hops(work, row, ahead=1 + ahead)
    return row


async def unanswerable(work: Work, options: GroundedQaOptions, count: int, outcome: Outcome) -> None:
    """Questions that the context leaves open, each with a refusal."""
    try:
        questions = await ask(work, options, "unanswerable", count, ahead=3)
    except Refused as refusal:
        outcome.add(not_asked(work, "unanswerable", PROMPTS["unanswerable"], refusal))
        return

    async def decline(question: Question) -> None:
        row = await refuse(work, question, ahead=1)
        outcome.add(row if isinstance(row, Dropped) else await gates.check(work, row))

    await asyncio.gather(*(decline(question) for question in questions))


async def closed(
    work: Work,
    kind: QuestionType,
    prompt: str,
    asking: Awaitable[list[Row]],
    confirm: Callable[..., Awaitable[Row]],
    outcome: Outcome,
) -> None:
    """Rows that come with their answers: the cheap gates, and then the judge must come to the same answer."""
    try:
        rows = await asking
    except Refused as refusal:
        outcome.add(not_asked(work, kind, prompt, refusal))
        return

    async def check(row: Row) -> None:
        if isinstance(row, Sample):
            row = await gates.check(work, row, ahead=1)
        if isinstance(row, Sample):
            row = await confirm(work, row, ahead=1)
        outcome.add(row)

    await asyncio.gather(*(check(row) for row in rows))


async def measured(work: Work, rows: Iterable[Row], outcome: Outcome) -> None:
    for row in rows:
        outcome.add(await gates.check(work, row) if isinstance(row, Sample) else row)


def no_hops(work: Work, count: int, outcome: Outcome) -> None:
    for _ in range(count):
        attributes = {"question_type": "multi_hop"}
        detail = "the context has one chunk"
        outcome.add(Dropped(reason=hops.REASON, detail=detail, attributes=attributes, lineage=work.lineage(())))


def not_asked(work: Work, kind: QuestionType, prompt: str, refusal: Refused) -> Dropped:
    """A whole call's questions that never came: one dropped row."""
    return Dropped(
        reason=refusal.reason,
        detail=refusal.detail,
        kind="original" if kind in ("single_hop", "multi_hop") else kind,
        attributes={"question_type": kind},
        lineage=work.lineage((prompt,)),
    )


def sort(outcome: Outcome) -> Outcome:
    """By question, not by the order in which replies happened to come: the same replies give the same rows."""
    outcome.kept.sort(key=lambda row: (row.kind != "original", row.kind, row.question, row.answer))
    outcome.dropped.sort(key=lambda row: (row.kind != "original", row.kind, row.question, row.reason))
    return outcome
