"""Write a dropped question and its Cypher anew, told what the database or the judge had against it. One call."""

from app.domain import Dropped
from app.llm.protocol import Refused
from app.replies.cypher import CypherQuestion
from workers import gates
from workers.recipes.work import Work
from workers.steps.cypher_rows import Pair

PROMPT = "repair/cypher@1"
# What to do about a fault, by the reason it was dropped for; the detail goes along.
ADVICE = {
    "cypher_mismatch": "The result is no answer to the question. Change whichever of question and Cypher is wrong.",
    "cypher_meaning_lost": "The Cypher asks something else than the question. Make the two say the same.",
    "entity_missing": "The question names what the Cypher does not. Use it, or leave it out of the question.",
    "question_too_short": "The question cannot be understood alone. Ask it in full.",
    "empty_result": "The Cypher gives nothing. Use values that stand in the graph, or ask for something that is there.",
    "always_empty": "The conditions contradict each other. Use conditions that can hold together.",
    "unstable_result": "The result must not depend on chance or on the time. Use fixed values.",
    "unordered_limit": "There is a LIMIT without ORDER BY. Add an order without ties, and say so in the question.",
    "wrong_direction": "A relationship is followed the wrong way. Follow it as it stands above.",
    "unknown_pattern": "These two are not joined like that. Use relationships as they stand above.",
    "unknown_label": "Use only labels that stand above.",
    "unknown_type": "Use only relationship types that stand above.",
    "unknown_property": "Use only property names that stand above, each with its own label.",
    "wrong_result": "The result does not hold the answer that was chosen. Ask for it, and find it.",
    "runaway": "The query does not end in time. Join by relationships, and ask for less.",
    "too_many_rows": "The result has too many rows. Ask for a number, the top few, or with a condition.",
}
_IT_FAILED = "The Cypher does not run. Write one plain query that only reads."
_KEPT = ("repaired_from", "repaired_reason", "chosen", "holds")


async def mended(work: Work, reject: Dropped) -> Pair | Dropped:
    """The pair that takes its place, not executed yet, or why there is none."""
    advice = ADVICE.get(reject.reason, _IT_FAILED)
    try:
        reply = await work.model.ask(
            PROMPT,
            context=work.context,
            ahead=1 + gates.calls(work),
            question=reject.question,
            cypher=reject.answer,
            fault=f"{advice} ({reject.detail[:300]})" if reject.detail else advice,
            language=work.language,
        )
    except Refused as refusal:
        return reject.model_copy(update={"reason": refusal.reason, "detail": refusal.detail, "verdicts": ()})
    assert isinstance(reply, CypherQuestion)
    return Pair(
        way="reverse" if reject.kind == "reverse" else "template" if reject.kind == "template" else "model",
        question=reply.question,
        cypher=reply.cypher,
        category=reject.attributes.get("category", "lookup"),
        prompts=(*reject.lineage.get("prompts", ()), PROMPT),
        attributes={name: reject.attributes[name] for name in _KEPT if name in reject.attributes},
    )
