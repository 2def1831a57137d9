"""Answer a question from its context alone, and find the passages it rests on in the stored text."""

import re
from typing import Any

from app.catalog.questions import LENGTHS
from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from app.replies import Answer, CitedAnswer, HopAnswer
from workers.recipes.work import Work
from workers.steps.locate import locate_all
from workers.steps.question import Question

PROMPT = "answer/grounded@1"  # one quote: of 49 plain questions it got 40 accepted, where a list of quotes got 32
SEVERAL = "answer/grounded@2"  # for answers that need more than one sentence, or another length
HOPS = "answer/multi_hop@1"
_UNKNOWN = re.compile(r"^\W*unknown\W*$", re.I)


async def answer(work: Work, question: Question, *, ahead: int, **sampling: Any) -> Sample | Dropped:
    """A row with its source spans, not measured yet. A quote that is nowhere is kept in `unlocated_quotes`.

    `sampling`: who answers and how (role, model, temperature, sample), where it is not the generator as usual.
    """
    ref = prompt_for(question)
    more: dict[str, Any] = sampling if ref == PROMPT else sampling | {"length": LENGTHS[question.length]}
    about = {
        "kind": question.kind,
        "evolution": question.evolution,
        "parent_question": question.parent,
        "question": question.text,
        "lineage": work.lineage((*question.prompts, ref)),
    }
    try:
        reply = await work.model.ask(
            ref, context=work.context, ahead=ahead, question=question.text, language=work.language, **more
        )
    except Refused as refusal:
        about["attributes"] = question.attributes
        return Dropped(reason=refusal.reason, detail=refusal.detail, **about)
    assert isinstance(reply, Answer | CitedAnswer | HopAnswer)
    spans, missing = locate_all(work.context, reply.quotes)
    about["attributes"] = question.attributes | ({"unlocated_quotes": missing} if missing else {})
    if is_unknown(reply.answer) and work.gates["source"]:
        return Dropped(reason="unanswerable", detail="the context does not answer it", answer=reply.answer, **about)
    return Sample(answer=reply.answer, sources=spans, **about)


def prompt_for(question: Question) -> str:
    """By what the answer needs: facts of several chunks, several sentences or a length, or one sentence."""
    if question.type == "multi_hop":
        return HOPS
    plain = question.length == "medium" and question.attributes.get("difficulty") != "hard"
    return PROMPT if plain else SEVERAL


def is_unknown(text: str) -> bool:
    """Did the model say that there is no answer?"""
    return bool(_UNKNOWN.match(text))
