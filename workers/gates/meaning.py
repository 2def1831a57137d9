"""Do sentence and paraphrase say the same? Each must entail the other.

Where the service has an NLI model it decides: the smaller of the two probabilities. Else the judge grades, 1 to 5,
which becomes 0 to 1: one call.
"""

from app.domain import Sample
from app.replies.text import SameMeaning
from app.settings import settings
from workers.gates import Measured
from workers.gates.nli import entailment
from workers.recipes.work import Work

PROMPT = "judge/paraphrase@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    sentence = row.attributes["sentence"]
    if settings().nli_model:
        there, back = await entailment(sentence, row.answer), await entailment(row.answer, sentence)
        return {"meaning": (min(there[0], back[0]), f"NLI: {there[1]} one way, {back[1]} the other")}
    reply = await work.model.ask(
        PROMPT,
        context=work.context,
        ahead=ahead,
        role="judge",
        sentence=sentence,
        paraphrase=row.answer,
        language=work.language,
    )
    assert isinstance(reply, SameMeaning)
    found = [f"{name}: {said}" for name, said in (("lost", reply.lost), ("added", reply.added)) if said]
    return {"meaning": ((reply.same - 1) / 4, "; ".join(found) or "the judge finds no difference")}
