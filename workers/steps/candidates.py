"""Several answers to one prompt, or several ways in which one conversation goes on, none twice."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from app.catalog.pairs import Turns
from app.catalog.questions import LENGTHS
from app.catalog.tasks.preferences import PreferencesOptions
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from app.replies.preferences import NextAnswer, NextRequest
from workers.recipes.work import Work
from workers.steps.answer import answer, is_unknown
from workers.steps.locate import locate_all
from workers.steps.question import Question
from workers.steps.respond import respond
from workers.steps.voices import Voice, voices

ANSWER = "answer/next_turn@1"
REQUEST = "ask/next_request@1"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer, as a row that is not measured yet; `turns` are those after the shared beginning `prompt`."""

    row: Sample
    prompt: Turns
    turns: Turns
    model: str
    temperature: float | None

    @property
    def text(self) -> str:
        """What a judge is shown: the answer, or the conversation after its first question.

        That it is shared does not make a turn right, so those before the two part are graded as well.
        """
        whole = [*self.prompt[1:], *self.turns]
        return self.turns[0]["content"] if len(self.turns) == 1 else "\n".join(told(whole))

    @property
    def question(self) -> str:
        """What that answers."""
        return self.prompt[-1 if len(self.turns) == 1 else 0]["content"]

    def saying(self, text: str) -> "Candidate":
        """The same with another last answer."""
        prompt = [*self.prompt, *self.turns[:-1]]
        row = self.row.model_copy(update={"answer": text})
        return replace(self, row=row, prompt=prompt, turns=[{"role": "assistant", "content": text}])


def told(turns: Turns) -> list[str]:
    """A line for each turn."""
    return [f"{'User' if turn['role'] == 'user' else 'Assistant'}: {turn['content']}" for turn in turns]


async def candidates(
    work: Work, options: PreferencesOptions, question: Question, *, ahead: int, given: str = ""
) -> tuple[list[Candidate], list[Dropped]]:
    """(different answers in the order of their voices, those that never came). `given`: an answer that was uploaded.

    `ahead`: calls that follow. Raises Refused when not even the shared beginning of a conversation came to be.
    """
    beginning = Talk([{"role": "user", "content": question.text}])
    if options.shared_turns:
        beginning = await _shared(work, options, question, ahead)
    asked = [
        _one(work, options, question, beginning, voice, place, ahead) for place, voice in enumerate(voices(options))
    ]
    made = await asyncio.gather(*asked)
    if given:
        row = await respond(work, question, question.attributes, ahead=ahead, given=given)
        assert isinstance(row, Sample)
        made.append(Candidate(row, beginning.turns, [{"role": "assistant", "content": given}], "uploaded", None))
    found: dict[str, Candidate] = {}
    for one in made:
        if isinstance(one, Candidate):
            found.setdefault(" ".join(one.text.split()), one)
    return list(found.values()), [one for one in made if isinstance(one, Dropped)]


async def _one(
    work: Work,
    options: PreferencesOptions,
    question: Question,
    beginning: "Talk",
    voice: Voice,
    place: int,
    ahead: int,
) -> Candidate | Dropped:
    if options.turns > 1:
        return await _conversation(work, options, question, beginning, voice, place, ahead)
    if options.prompts_from == "uploaded":
        row = await respond(work, question, question.attributes, ahead=1 + ahead, **voice.sampling())
    else:
        row = await answer(work, question, ahead=1 + ahead, **voice.sampling())
    if isinstance(row, Dropped):
        return row
    turns = [{"role": "assistant", "content": row.answer}]
    return Candidate(row, beginning.turns, turns, voice.name(work), voice.temperature)


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation that ends with the user's turn, and the quotes its answers rest on."""

    turns: Turns
    quotes: tuple[str, ...] = ()


async def _shared(work: Work, options: PreferencesOptions, question: Question, ahead: int) -> Talk:
    """The first exchanges, by the first voice. Raises Refused."""
    talk = Talk([{"role": "user", "content": question.text}])
    after = ahead + 2 * (options.turns - options.shared_turns)
    for left in range(options.shared_turns, 0, -1):
        talk = await _answered(work, talk, question, voices(options)[0], after + 2 * left)
        talk = await _asked(work, talk, 0, after + 2 * left - 1)
    return talk


async def _conversation(
    work: Work,
    options: PreferencesOptions,
    question: Question,
    beginning: Talk,
    voice: Voice,
    place: int,
    ahead: int,
) -> Candidate | Dropped:
    talk, lineage = beginning, work.lineage((*question.prompts, ANSWER, REQUEST))
    about: dict[str, Any] = {"kind": options.kind, "question": question.text, "lineage": lineage}
    try:
        for left in range(options.turns - options.shared_turns, 0, -1):
            talk = await _answered(work, talk, question, voice, ahead + 2 * left - 1)
            if left > 1:
                talk = await _asked(work, talk, place, ahead + 2 * left - 2)
    except Refused as refusal:
        return Dropped(reason=refusal.reason, detail=refusal.detail, attributes=question.attributes, **about)
    spans, missing = locate_all(work.context, talk.quotes)
    attributes = question.attributes | ({"unlocated_quotes": missing} if missing else {})
    row = Sample(answer=talk.turns[-1]["content"], sources=spans, attributes=attributes, **about)
    turns = talk.turns[len(beginning.turns) :]
    return Candidate(row, beginning.turns, turns, voice.name(work), voice.temperature)


async def _answered(work: Work, talk: Talk, question: Question, voice: Voice, ahead: int) -> Talk:
    reply = await work.model.ask(
        ANSWER,
        context=work.context,
        ahead=ahead,
        question=talk.turns[-1]["content"],
        talk=told(talk.turns[:-1]),
        language=work.language,
        length=LENGTHS[question.length],
        **voice.sampling(),
    )
    assert isinstance(reply, NextAnswer)
    if is_unknown(reply.answer):
        raise Refused("unanswerable", "the context does not answer it")
    turns = [*talk.turns, {"role": "assistant", "content": reply.answer}]
    return Talk(turns, (*talk.quotes, *reply.quotes))


async def _asked(work: Work, talk: Talk, place: int, ahead: int) -> Talk:
    """The user's next turn; each conversation asks for its own, also where two have gone alike so far."""
    reply = await work.model.ask(
        REQUEST, context=work.context, ahead=ahead, talk=told(talk.turns), language=work.language, sample=place
    )
    assert isinstance(reply, NextRequest)
    return Talk([*talk.turns, {"role": "user", "content": reply.question}], talk.quotes)
