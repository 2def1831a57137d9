"""Let the judge read question, Cypher and result together. One call.

The coherence validator of SyntheT2C (arXiv 2406.10710).
"""

from app.domain import Sample
from app.replies.cypher import CypherVerdict
from workers.gates import Measured
from workers.gates.sql_judge import told
from workers.recipes.work import Work

PROMPT = "judge/cypher@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    reply = await work.model.ask(
        PROMPT,
        context=work.context,
        ahead=ahead,
        role="judge",
        question=row.question,
        cypher=row.answer,
        result=told(row.attributes["result"]),
        language=work.language,
    )
    assert isinstance(reply, CypherVerdict)
    return {"cypher_coherence": (float(reply.coherence), reply.reason)}
