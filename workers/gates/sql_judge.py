"""Let the judge say what a statement computes and compare that, and its result, with the question. One call."""

from typing import Any

from app.domain import Sample
from app.replies.sql import SqlVerdicts
from workers.gates import Measured
from workers.recipes.work import Work

PROMPT = "judge/sql@1"
PROMPTS = (PROMPT,)
_SHOWN = 5


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    reply = await work.model.ask(
        PROMPT,
        context=work.context,
        ahead=ahead,
        role="judge",
        question=row.question,
        answer=row.answer,
        result=told(row.attributes["result"]),
        language=work.language,
    )
    assert isinstance(reply, SqlVerdicts)
    said = f"{reply.reason} (the SQL computes: {reply.computes})"
    return {"sql_match": (float(reply.match), said), "sql_clarity": (float(reply.clarity), reply.reason)}


def told(result: dict[str, Any]) -> str:
    """A result in words: how many rows, and the first of them."""
    count = result["row_count"]
    rows = [
        ", ".join(f"{column} = {value}" for column, value in zip(result["columns"], row, strict=False))
        for row in result["rows"][:_SHOWN]
    ]
    return f"{count} row{'' if count == 1 else 's'}: {'; '.join(rows)}{'; ...' if count > len(rows) else ''}"
