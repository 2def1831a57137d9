"""Let the judge answer the question itself and then grade one row, in one call."""

import re

from rapidfuzz import fuzz

from app.domain import Sample
from app.replies import Verdicts
from workers.gates import Measured
from workers.recipes.work import Work
from workers.steps.answer import is_unknown
from workers.steps.grade import grade

PROMPT = "judge/grounded@1"
PROMPTS = (PROMPT,)
_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+")


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    reply = await grade(work, row, PROMPT, ahead=ahead)
    assert isinstance(reply, Verdicts)
    agreed = agreement(row.question, row.answer, reply.own_answer)
    return {
        "agreement": (agreed, f"the judge's own answer: {reply.own_answer}"),
        "faithfulness": (float(reply.faithfulness), reply.reason),
        "answerability": (float(reply.answerability), reply.reason),
        "usefulness": (float(reply.usefulness), reply.reason),
    }


def agreement(question: str, answer: str, own: str) -> float:
    """0..100: the share of the judge's own words that the answer has too; those of the question count for nothing.

    Words are compared loosely (80 of 100), since languages inflect; a number must be there as it is.
    """
    asked, given = _words(question), _words(answer)
    mine = _words(own) - asked or _words(own)
    if not mine or is_unknown(own):
        return 0.0
    return round(100 * sum(_has(given, word) for word in mine) / len(mine), 1)


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.lower()) if len(word) > 2 or word.isdigit()}


def _has(words: set[str], word: str) -> bool:
    if word in words or any(character.isdigit() for character in word):
        return word in words
    return any(fuzz.ratio(word, other, score_cutoff=80) for other in words)
