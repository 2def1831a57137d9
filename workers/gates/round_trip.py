"""Answer the question again without the first answer, by the judge, and compare: a right answer is found twice."""

from app.domain import Sample
from app.replies import AnswerAlone
from workers.gates import Measured
from workers.gates.grounded_judge import agreement
from workers.gates.numbers import numbers as numbers_of
from workers.recipes.work import Work

PROMPT = "answer/again@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    reply = await work.model.ask(
        PROMPT, context=work.context, ahead=ahead, role="judge", question=row.question, language=work.language
    )
    assert isinstance(reply, AnswerAlone)
    return {"round_trip": (same(row.question, row.answer, reply.answer), f"the second answer: {reply.answer}")}


def same(question: str, one: str, other: str) -> float:
    """0..100: how far one of the answers holds all the other says, beyond the question's words.

    An answer may be the longer one: "at 07:40" and "at 07:40 from the north quay" agree. Where both have
    numbers, those of one must be among those of the other.
    """
    numbers = [numbers_of(text) - numbers_of(question) for text in (one, other)]
    if all(numbers) and not (numbers[0] <= numbers[1] or numbers[1] <= numbers[0]):
        return 0.0
    return max(agreement(question, one, other), agreement(question, other, one))
