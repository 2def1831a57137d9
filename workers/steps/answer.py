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

_DOCUMENT = re.compile(
    r"\b(?:the|this|given|provided|above) (?:text|document|passage|context|excerpt|instruction)s?\b"
    r"|\b(?:according to|in|from|given) the (?:given )?(?:information|instructions)\b"
    r"|\b(?:в|из|по) (?:(?:данном|этом|приведённом|указанном) )?(?:тексте?|документе?|отрывке?|текста|документу)\b"
    r"|\b(?:im|dem|laut) (?:text|dokument)\b|\b(?:le|du|ce) (?:texte|document)\b|\bel (?:texto|documento)\b",
    re.I,
)
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
    mention = mentions_document(f"{question.text} {reply.answer}")
    alone = 0.0 if mention else 1.0
    found = {
        "source": (score, f"quote: {reply.quote[:200]}"),
        "numbers": (stated, "of the answer's numbers stand in the context"),
        "standalone": (alone, mention or "nothing points outside the row"),
    }
    verdicts = tuple(
        Verdict(metric=name, score=value, reason=reason, passed=value >= work.gates[name])
        for name, (value, reason) in found.items()
    )
    return Sample(answer=reply.answer, sources=sources, verdicts=verdicts, **about)


def mentions_document(text: str) -> str:
    """The words that point to the document the reader does not have, or ""."""
    found = _DOCUMENT.search(text)
    return found.group() if found else ""


def supported_numbers(answer: str, text: str) -> float:
    """0..1: the share of the numbers in `answer` that stand in `text`; 1 when it has none."""
    numbers = _NUMBER.findall(answer)
    known = set(_NUMBER.findall(text))
    return round(sum(number in known for number in numbers) / len(numbers), 3) if numbers else 1.0
