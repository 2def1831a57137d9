"""Carry out an instruction."""

from typing import Any

from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from app.replies import Response
from workers.recipes.work import Work
from workers.steps.question import Question

PROMPT = "answer/instruction@1"


async def respond(
    work: Work, question: Question, attributes: dict[str, Any], *, ahead: int, given: str = "", **sampling: Any
) -> Sample | Dropped:
    """A row, not measured yet. `given`: an answer there is. `sampling`: who answers and how, as in `answer`."""
    refs = question.prompts if given else (*question.prompts, PROMPT)
    about: dict[str, Any] = {
        "kind": question.kind,
        "evolution": question.evolution,
        "parent_question": question.parent,
        "question": question.text,
        "attributes": attributes,
        "lineage": work.lineage(refs),
    }
    answer = given
    if not answer:
        try:
            reply = await work.model.ask(
                PROMPT, context=work.context, ahead=ahead, question=question.text, language=work.language, **sampling
            )
        except Refused as refusal:
            return Dropped(reason=refusal.reason, detail=refusal.detail, **about)
        assert isinstance(reply, Response)
        answer = reply.answer
    return Sample(answer=answer, **about)
