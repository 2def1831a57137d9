"""Let the judge say whether a turn's question follows from the conversation and means what its full form says."""

from app.domain import Sample
from app.replies.dialogue import FollowVerdict
from workers.gates import Measured
from workers.recipes.work import Work

PROMPT = "judge/follow_up@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    """`row.question` is the full form; attributes `said` and `history` have the turn as it stands in the talk."""
    reply = await work.model.ask(
        PROMPT,
        context=work.context,
        ahead=ahead,
        role="judge",
        history=row.attributes["history"],
        question=row.attributes["said"],
        standalone=row.question,
        language=work.language,
    )
    assert isinstance(reply, FollowVerdict)
    return {"follows": (float(reply.follows), reply.reason)}
