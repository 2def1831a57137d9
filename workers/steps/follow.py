"""The turns of a conversation: the next question, bound to what was said, and its answer with its source."""

from dataclasses import dataclass, field
from typing import Any

from app.catalog.evolving import NEAR_COPY
from app.catalog.questions import LENGTHS, Length
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from app.replies import CitedAnswer
from app.replies.dialogue import FollowUp, MissingFollowUp
from workers import gates
from workers.recipes.work import Work
from workers.steps import eliminate
from workers.steps.answer import is_unknown
from workers.steps.hops import has
from workers.steps.locate import locate_all

ASK = "ask/follow_up@1"
ASK_MISSING = "ask/follow_up_missing@1"
ANSWER = "answer/turn@1"
NOT_A_FOLLOW_UP = "not_follow_up"
_CJK = "\u2e80"  # from here on a sign is a word


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user says, and the row that answers it; `row.question` is what is meant by it, in full."""

    said: str
    row: Sample


@dataclass(slots=True)
class Talk:
    """A conversation so far. `asker`: words for the prompts; `attributes` are the row's own."""

    opening: str
    asker: str
    length: Length
    attributes: dict[str, Any]
    prompts: tuple[str, ...]
    turns: list[Turn] = field(default_factory=list)

    @property
    def history(self) -> list[list[str]]:
        """(question as said, answer) of each turn."""
        return [[turn.said, turn.row.answer] for turn in self.turns]


async def ask_next(work: Work, talk: Talk, *, missing: bool, ahead: int) -> FollowUp | MissingFollowUp:
    """The next question. `missing`: one that the context does not answer. Raises Refused."""
    ref = ASK_MISSING if missing else ASK
    reply = await work.model.ask(
        ref, context=work.context, ahead=ahead, history=talk.history, language=work.language, asker=talk.asker
    )
    assert isinstance(reply, FollowUp | MissingFollowUp)
    return reply


async def answer_next(work: Work, talk: Talk, said: str, full: str, *, ahead: int) -> Sample | Dropped:
    """The turn's row, not measured yet. `full`: what `said` means."""
    about: dict[str, Any] = {
        "kind": "follow_up" if talk.turns else "opening",
        "question": full,
        "attributes": {"said": said, "history": talk.history},
        "lineage": work.lineage((*talk.prompts, *((ASK,) if talk.turns else ()), ANSWER)),
    }
    try:
        reply = await work.model.ask(
            ANSWER,
            context=work.context,
            ahead=ahead,
            history=talk.history,
            question=said,
            language=work.language,
            length=LENGTHS[talk.length],
        )
    except Refused as refusal:
        return Dropped(reason=refusal.reason, detail=refusal.detail, **about)
    assert isinstance(reply, CitedAnswer)
    spans, missing = locate_all(work.context, reply.quotes)
    if missing:
        about["attributes"]["unlocated_quotes"] = missing
    row = Sample(answer=reply.answer, sources=spans, **about)
    if is_unknown(reply.answer) and work.gates["source"]:
        return gates.drop(row, "unanswerable", "the context does not answer it")
    return row


def leans(talk: Talk, said: str, full: str) -> eliminate.Fault | None:
    """What is wrong with a question that is to need the conversation; None if nothing is. No model is asked.

    The full form has a content word that the question as said has not, and that was said before: this is what "it" or
    an omission stands for. And it asks for something else than the turns before.
    """
    before = " ".join(f"{turn.said} {turn.row.question} {turn.row.answer}" for turn in talk.turns)
    spoken, told = _content(said), _content(before)
    if not any(has(told, word) for word in _content(full) if not has(spoken, word)):
        return NOT_A_FOLLOW_UP, f"it names all that its full form does: {full}"
    for number, turn in enumerate(talk.turns, start=1):
        if (overlap := eliminate.rouge_l(full, turn.row.question)) >= NEAR_COPY:
            return NOT_A_FOLLOW_UP, f"it repeats turn {number} (ROUGE-L {overlap:.2f})"
    return None


def _content(text: str) -> set[str]:
    """Numbers, words of three letters or more, and signs of scripts without spaces."""
    return {word for word in eliminate.words(text) if len(word) > 2 or word[0].isdigit() or word[0] >= _CJK}
