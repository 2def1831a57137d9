"""Questions that the context does not answer: see that it does not, and make the refusal that belongs to them."""

from typing import Any

from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from app.replies import Answer, Refusal
from workers.gates.numbers import supported_numbers
from workers.recipes.work import Work
from workers.steps.answer import PROMPT as ANSWER
from workers.steps.answer import is_unknown
from workers.steps.locate import locate_all
from workers.steps.question import Question
from workers.steps.wording import denies, phrases

PROMPT = "answer/unanswerable@1"


async def refuse(work: Work, question: Question, *, ahead: int) -> Sample | Dropped:
    """A row whose answer is a refusal. Dropped as `answerable` when the context answers the question after all."""
    prompts = (*question.prompts, ANSWER)
    about: dict[str, Any] = {"kind": question.kind, "question": question.text, "attributes": question.attributes}
    try:
        tried = await work.model.ask(
            ANSWER,
            context=work.context,
            ahead=ahead + 1,
            question=question.text,
            language=work.language,
        )
        assert isinstance(tried, Answer)
        if not is_unknown(tried.answer):
            spans, _ = locate_all(work.context, tried.quotes)
            about |= {"answer": tried.answer, "sources": spans, "lineage": work.lineage(prompts)}
            return Dropped(reason="answerable", detail="the context answers it", **about)
        prompts = (*prompts, PROMPT)
        reply = await work.model.ask(
            PROMPT, context=work.context, ahead=ahead, question=question.text, language=work.language
        )
    except Refused as refusal:
        return Dropped(reason=refusal.reason, detail=refusal.detail, lineage=work.lineage(prompts), **about)
    assert isinstance(reply, Refusal)
    good = is_refusal(work.context.language, question.text, reply.refusal)
    about["answer"] = reply.refusal if good else phrases(work.context.language).unknown
    about["attributes"] = question.attributes | {"refusal": "model" if good else "template"}
    return Sample(lineage=work.lineage(prompts), **about)


def is_refusal(language: str, question: str, text: str) -> bool:
    """Does the text decline, and nothing more? It denies something, and states no number the question does not have."""
    return not is_unknown(text) and denies(language, text) and supported_numbers(text, question) == 1.0
