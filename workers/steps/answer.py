"""Answer a question from its context alone, and find the words it rests on in the stored text."""

import re

from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from app.replies import Answer
from workers.recipes.work import Work
from workers.steps.locate import locate
from workers.steps.question import Question

PROMPT = "answer/grounded@1"
_UNKNOWN = re.compile(r"^\W*unknown\W*$", re.I)


async def answer(work: Work, question: Question, *, ahead: int) -> Sample | Dropped:
    """A row with its source spans, not measured yet."""
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
    if _UNKNOWN.match(reply.answer) and work.gates["source"]:
        return Dropped(reason="unanswerable", detail="the context does not answer it", answer=reply.answer, **about)
    span = locate(work.context, reply.quote)
    missing = {} if span else {"unlocated_quotes": [reply.quote]}
    return Sample(answer=reply.answer, sources=(span,) if span else (), attributes=missing, **about)
