"""Translate the Cypher back into a question, unseen the first one, and compare the two. One call.

The semantic validator of SyntheT2C (arXiv 2406.10710).
"""

from app.domain import Sample
from app.replies.cypher import CypherMeaning
from workers import sentence_encoder
from workers.gates import Measured
from workers.recipes.work import Work

PROMPT = "judge/cypher_back@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    reply = await work.model.ask(
        PROMPT, context=work.context, ahead=ahead, role="judge", cypher=row.answer, language=work.language
    )
    assert isinstance(reply, CypherMeaning)
    cosine = await sentence_encoder.similarity(row.question, reply.meaning)
    return {"cypher_meaning": (round(cosine, 3), f"the Cypher asks: {reply.meaning}")}
