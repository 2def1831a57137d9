"""Multiple-choice questions: one right and three wrong answers, the key in a balanced place, confirmed by the judge."""

import re

from rapidfuzz import fuzz

from app.catalog.questions import QuestionType
from app.catalog.tasks.grounded_qa import GroundedQaOptions
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from app.replies import ChoiceQuestion, ChoiceQuestions, Chosen
from workers import gates
from workers.recipes.work import Work
from workers.steps.ask import avoid
from workers.steps.locate import locate_all
from workers.steps.profile import Profile, draw, told

KIND: QuestionType = "multiple_choice"
ASK = "ask/multiple_choice@1"
JUDGE = "judge/choose@1"
LETTERS = "ABCD"
_WORD = re.compile(r"\w+")
_IN_QUOTE = 70.0  # partial ratio from which the right choice counts as said by the quote


async def ask_choices(work: Work, options: GroundedQaOptions, count: int, *, ahead: int) -> list[Sample | Dropped]:
    """Rows, not measured yet, or why not. Raises Refused."""
    profiles = draw(work, options, KIND, count)
    reply = await work.model.ask(
        ASK,
        context=work.context,
        ahead=ahead,
        count=count,
        language=work.language,
        avoid=avoid(work),
        profiles=told(profiles),
    )
    assert isinstance(reply, ChoiceQuestions)
    first = work.random("key").randrange(4)  # then on by one: A to D come equally often
    return [
        _row(work, asked, profile, (first + i) % 4, i)
        for i, (asked, profile) in enumerate(zip(reply.questions, profiles, strict=False))
    ]


def _row(work: Work, asked: ChoiceQuestion, profile: Profile, place: int, number: int) -> Sample | Dropped:
    choices = work.random("wrong", number).sample(asked.wrong, 3)
    choices.insert(place, asked.right)
    spans, missing = locate_all(work.context, [asked.quote])
    attributes = profile.attributes(KIND) | {"choices": choices, "key": LETTERS[place]}
    row = Sample(
        kind=KIND,
        question="\n".join([asked.question, *lettered(choices)]),
        answer=f"{LETTERS[place]}) {asked.right}",
        attributes=attributes | ({"unlocated_quotes": missing} if missing else {}),
        sources=spans,
        lineage=work.lineage((ASK,)),
    )
    if len({" ".join(_WORD.findall(choice.casefold())) for choice in choices}) < 4:
        return gates.drop(row, "bad_choices", "two of the choices are the same")
    said = fuzz.partial_ratio(asked.right.casefold(), asked.quote.casefold())
    if said < _IN_QUOTE and work.gates.get("source"):
        return gates.drop(row, "bad_choices", f"the quote does not hold the right choice ({said:.0f} of 100)")
    return row


async def check_key(work: Work, row: Sample, *, ahead: int) -> Sample | Dropped:
    """The judge answers the question with the choices in another order, and must choose the key. One call."""
    key = row.attributes["choices"][LETTERS.index(row.attributes["key"])]
    choices = work.random("shuffled", row.question).sample(row.attributes["choices"], 4)
    if choices == row.attributes["choices"]:
        choices.reverse()
    stem = row.question.rsplit("\n", 4)[0]
    try:
        reply = await work.model.ask(
            JUDGE,
            context=work.context,
            ahead=ahead,
            role="judge",
            question=stem,
            choices=lettered(choices),
            language=work.language,
        )
    except Refused as refusal:
        return gates.drop(row, f"judge_{refusal.reason}", refusal.detail)
    assert isinstance(reply, Chosen)
    row = row.model_copy(update={"lineage": work.lineage((*row.lineage["prompts"], JUDGE))})
    chosen = choices[LETTERS.index(reply.choice)] if reply.choice in LETTERS else reply.choice
    if chosen != key:
        return gates.drop(row, "wrong_key", f"the judge chose: {chosen}; {reply.reason}")
    return row


def lettered(choices: list[str]) -> list[str]:
    return [f"{letter}) {choice}" for letter, choice in zip(LETTERS, choices, strict=True)]
