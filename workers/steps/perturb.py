"""Make a right answer wrong by changing one fact in it, and say which."""

import re

from app.domain import Dropped
from app.llm.protocol import Refused
from app.replies.preferences import ChangedFact
from workers import gates
from workers.recipes.work import Work
from workers.steps.candidates import Candidate

PROMPT = "perturb/fact@1"
REASON = "not_changed"


async def perturb(work: Work, base: Candidate, *, ahead: int) -> Candidate | Dropped:
    """The answer with the change made, for which `changed` stands in its row's attributes. One call.

    The model names the change, and it is made here: everything else stays letter for letter the same.
    """
    row = base.row.model_copy(
        update={"kind": "perturbed", "lineage": work.lineage((*base.row.lineage["prompts"], PROMPT))}
    )
    try:
        reply = await work.model.ask(
            PROMPT,
            context=work.context,
            ahead=ahead,
            question=base.prompt[-1]["content"],
            answer=row.answer,
            language=work.language,
        )
    except Refused as refusal:
        return gates.drop(row, refusal.reason, refusal.detail)
    assert isinstance(reply, ChangedFact)
    old, new = reply.changed_from, reply.changed_to
    text = changed_text(row.answer, old, new)
    if text.casefold() == row.answer.casefold():
        return gates.drop(row, REASON, f"{old!r} does not become {new!r} in it")
    wrong = base.saying(text)
    changed = {"changed": {"from": old, "to": new}}
    row = row.model_copy(update={"answer": wrong.row.answer, "attributes": row.attributes | changed})
    return Candidate(row, wrong.prompt, wrong.turns, "perturbation", None)


def changed_text(text: str, old: str, new: str) -> str:
    """`text` with `new` wherever `old` stands as whole words; as it is where it does not stand."""
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, text)
