"""Write dropped rows anew: one call each, told what was wrong, and then the gates, as for any row."""

import asyncio
from typing import Any

from app.domain import Dropped, Sample
from app.llm.protocol import Refused
from app.replies import Mended
from workers import gates
from workers.recipes import Outcome, Work, own_repair
from workers.steps.locate import locate

PROMPT = "repair/row@1"
# What to do about a fault, by the reason it was dropped for; the detail goes along.
ADVICE = {
    "no_source": "The quote was not found. Copy the quotes exactly, letter for letter.",
    "unsupported_number": "The answer has a number that is stated nowhere. Use only numbers that stand above.",
    "mentions_document": "It speaks of a document that the reader does not have. Say the same without pointing to it.",
    "copied_prompt": "It repeats words of an instruction. Write only the question and the answer.",
    "wrong_language": "It is not in the language asked for. Write both in that language.",
    "refused": "The answer refuses. Answer from what stands above, or ask something that stands there.",
    "says_nothing": "The answer says nothing. Answer with the fact that is asked for.",
    "too_long": "The answer is too long. Answer in one or two sentences.",
    "question_too_short": "The question cannot be understood alone. Ask it in full.",
    "not_answerable": "The question is not answered above. Change it as little as needed so that it is.",
    "unanswerable": "The question is not answered above. Change it as little as needed so that it is.",
    "not_useful": "Nobody would ask this. Ask about the same fact as someone who needs it would.",
    "too_simple": "The question is too simple. Ask for more than one fact that stands above.",
}
_ANSWER_IS_WRONG = "The answer is wrong or not supported. Answer exactly what is stated above."


async def repair(work: Work, rejects: tuple[Dropped, ...]) -> Outcome:
    """One row for each reject, in their order: kept, or dropped once more with its new reason."""
    if own := own_repair(work.task):
        return await own(work, rejects)
    outcome = Outcome()
    for row in await asyncio.gather(*(_mend(work, reject) for reject in rejects)):
        outcome.add(row)
    return outcome


async def _mend(work: Work, reject: Dropped) -> Sample | Dropped:
    advice = ADVICE.get(reject.reason, _ANSWER_IS_WRONG)
    attributes = {name: value for name, value in reject.attributes.items() if name != "unlocated_quotes"}
    about: dict[str, Any] = {
        "kind": reject.kind,
        "evolution": reject.evolution,
        "parent_question": reject.parent_question,
        "lineage": work.lineage((*reject.lineage.get("prompts", ()), PROMPT)),
    }
    try:
        reply = await work.model.ask(
            PROMPT,
            context=work.context,
            ahead=1 + gates.calls(work),
            question=reject.question,
            answer=reject.answer,
            fault=f"{advice} ({reject.detail[:300]})" if reject.detail else advice,
            language=work.language,
        )
    except Refused as refusal:
        lost = {"question": reject.question, "answer": reject.answer, "attributes": attributes}
        return Dropped(reason=refusal.reason, detail=refusal.detail, **lost, **about)
    assert isinstance(reply, Mended)
    spans = {quote: locate(work.context, quote) for quote in reply.quotes}
    if missing := [quote for quote, span in spans.items() if span is None]:
        attributes["unlocated_quotes"] = missing
    sources = tuple(span for span in spans.values() if span)
    row = Sample(question=reply.question, answer=reply.answer, sources=sources, attributes=attributes, **about)
    return await gates.check(work, row)
