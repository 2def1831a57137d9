"""Let the judge write SQL for the question itself, execute it, and compare the results. One call.

Rows and columns may come in any order. This is the back-translation that counts: of the question alone, by execution.
"""

from app.catalog.sql import TITLES
from app.domain import Sample
from app.replies.sql import OwnSql
from workers.gates import Measured
from workers.recipes.work import Work
from workers.sandbox.pool import POOL
from workers.sandbox.sql import SqlRefused
from workers.steps.sql_rows import limits_of

PROMPT = "judge/own_sql@1"
PROMPTS = (PROMPT,)


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    executed, wanted = row.attributes["executed"], row.attributes["result"]
    reply = await work.model.ask(
        PROMPT,
        context=work.context,
        ahead=ahead,
        role="judge",
        question=row.question,
        engine=TITLES["sqlite" if executed["engine"] == "sqlite" else "duckdb"],
    )
    assert isinstance(reply, OwnSql)
    try:
        own = await POOL.run(executed["image"], reply.sql, executed["engine"], limits_of(work.options), examine=False)
    except SqlRefused as refused:
        return {"sql_agreement": (0.0, f"the judge's own SQL: {refused}: {reply.sql}")}
    same = own.loose_sha256 == wanted["loose_sha256"]
    return {"sql_agreement": (float(same), f"the judge's own SQL gives {own.row_count} rows: {reply.sql}")}
