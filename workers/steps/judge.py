"""Let the judge grade one row: faithfulness, answerability and usefulness, in one call."""

from app.domain import Dropped, Sample, Verdict
from app.llm.protocol import Refused
from app.replies import Verdicts
from workers.recipes.work import Work

PROMPT = "judge/grounded@1"
METRICS = ("faithfulness", "answerability", "usefulness")


async def judge(work: Work, row: Sample, *, ahead: int) -> tuple[Verdict, ...] | Dropped:
    """The three verdicts; a gate of 0 records the grade and passes it."""
    try:
        reply = await work.model.ask(
            PROMPT,
            context=work.context,
            ahead=ahead,
            role="judge",
            question=row.question,
            answer=row.answer,
            language=work.language,
        )
    except Refused as refusal:
        values = {name: getattr(row, name) for name in Sample.model_fields}
        return Dropped(reason=f"judge_{refusal.reason}", detail=refusal.detail, **values)
    assert isinstance(reply, Verdicts)
    return tuple(
        Verdict(
            metric=name,
            score=float(getattr(reply, name)),
            reason=reply.reason,
            passed=getattr(reply, name) >= work.gates[name],
        )
        for name in METRICS
    )
