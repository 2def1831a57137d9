"""True-or-false rows: a statement as the text has it, or with one fact changed, confirmed by the judge."""

import re

from app.catalog.questions import QuestionType
from app.catalog.tasks.grounded_qa import GroundedQaOptions
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from app.replies import Statement, Statements, TruthVerdict
from workers import gates
from workers.recipes.work import Work
from workers.steps.ask import avoid
from workers.steps.locate import locate_all
from workers.steps.profile import Profile, draw
from workers.steps.wording import phrases

KIND: QuestionType = "true_false"
ASK = "ask/true_false@1"
JUDGE = "judge/true_false@1"
# Small models add what they were told: "... // This sentence is to be true, so there is no change needed."
_PROMPT_WORDS = re.compile(
    r"//|\bis to be (?:true|false)\b|\bno change\b.*\bneeded\b|\bchanged (?:from|to)\b.*->", re.I
)


async def ask_statements(work: Work, options: GroundedQaOptions, count: int, *, ahead: int) -> list[Sample | Dropped]:
    """Rows, not measured yet, or why not. True and false ones take turns, from a start by seed. Raises Refused."""
    profiles = draw(work, options, KIND, count)
    first = work.random("label").randrange(2)
    labels = [(first + i) % 2 == 0 for i in range(count)]
    wanted = [
        f"{'true' if label else 'false'}{f'; {profile.words}' if profile.words else ''}"
        for label, profile in zip(labels, profiles, strict=True)
    ]
    reply = await work.model.ask(
        ASK,
        context=work.context,
        ahead=ahead,
        count=count,
        language=work.language,
        avoid=avoid(work),
        profiles=wanted,
    )
    assert isinstance(reply, Statements)
    return [
        _row(work, said, label, profile)
        for said, label, profile in zip(reply.statements, labels, profiles, strict=False)
    ]


def _row(work: Work, said: Statement, label: bool, profile: Profile) -> Sample | Dropped:
    words = phrases(work.context.language)
    spans, missing = locate_all(work.context, [said.quote])
    attributes = profile.attributes(KIND) | {"statement": said.statement, "label": label}
    if not label:
        attributes["changed"] = {"from": said.changed_from, "to": said.changed_to}
    row = Sample(
        kind=KIND,
        question=f"{words.question} {said.statement}",
        answer=f"{words.true if label else words.false}.",
        attributes=attributes | ({"unlocated_quotes": missing} if missing else {}),
        sources=spans,
        lineage=work.lineage((ASK,)),
    )
    if _PROMPT_WORDS.search(said.statement):
        return gates.drop(row, "copied_prompt", "it copies words of the prompt")
    return row if label or _changed(said) else gates.drop(row, "not_changed", _told(said))


def _changed(said: Statement) -> bool:
    """The fact named stands in the quote and no longer in the statement, and what replaced it does."""
    old, new, statement = said.changed_from.casefold(), said.changed_to.casefold(), said.statement.casefold()
    gone = old not in statement or old in new  # "12" may become "12.50"
    return bool(old and new and old != new) and old in said.quote.casefold() and new in statement and gone


def _told(said: Statement) -> str:
    return f"it is to be false, and {said.changed_from!r} did not become {said.changed_to!r} in it"


async def check_label(work: Work, row: Sample, *, ahead: int) -> Sample | Dropped:
    """The judge must hold the statement for what its label says; "unknown" is neither. One call."""
    try:
        reply = await work.model.ask(
            JUDGE,
            context=work.context,
            ahead=ahead,
            role="judge",
            statement=row.attributes["statement"],
            language=work.language,
        )
    except Refused as refusal:
        return gates.drop(row, f"judge_{refusal.reason}", refusal.detail)
    assert isinstance(reply, TruthVerdict)
    row = row.model_copy(update={"lineage": work.lineage((*row.lineage["prompts"], JUDGE))})
    if reply.verdict != str(row.attributes["label"]).lower():
        return gates.drop(row, "wrong_key", f"the judge holds it for {reply.verdict}: {reply.reason}")
    return row
