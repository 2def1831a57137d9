"""Answer a question from its context alone, and find the words it rests on in the stored text."""

import re

from app.domain import Dropped, Sample, Verdict
from app.llm.protocol import Refused
from app.replies import Answer
from workers.recipes.work import Work
from workers.steps.locate import locate
from workers.steps.question import Question

PROMPT = "answer/grounded@1"
_UNKNOWN = re.compile(r"^\W*unknown\W*$", re.I)

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")

Answered = Sample


async def answer(work: Work, question: Question, *, ahead: int) -> Answered | Dropped:
    """A row with its source span, not judged yet."""
    about = {
        "kind": question.kind,
        "evolution": question.evolution,
        "parent_question": question.parent,
        "question": question.text,
        "lineage": work.lineage((*question.prompts, PROMPT)),
    }
    try:
        reply = await work.model.ask(
            PROMPT, context=work.context, ahead=ahead, question=question.text, language=work.language
        )
    except Refused as refusal:
        return Dropped(reason=refusal.reason, detail=refusal.detail, **about)
    assert isinstance(reply, Answer)
    threshold = work.gates["source"]
    if _UNKNOWN.match(reply.answer) and threshold:
        return Dropped(reason="unanswerable", detail="the context does not answer it", answer=reply.answer, **about)
    span = locate(work.context, reply.quote)
    score = span.score if span else 0.0
    sources = (span,) if span else ()
    stated = supported_numbers(reply.answer, f"{work.context.text} {question.text}")
    verdicts = (
        Verdict(metric="source", score=score, reason=f"quote: {reply.quote[:200]}", passed=score >= threshold),
        Verdict(
            metric="numbers", score=stated, reason="of the answer's numbers", passed=stated >= work.gates["numbers"]
        ),
    )
    return Sample(answer=reply.answer, sources=sources, verdicts=verdicts, **about)


def supported_numbers(answer: str, text: str) -> float:
    """0..1: the share of the numbers in `answer` that stand in `text`; 1 when it has none."""
    numbers = _NUMBER.findall(answer)
    known = set(_NUMBER.findall(text))
    return round(sum(number in known for number in numbers) / len(numbers), 3) if numbers else 1.0
