"""Write a dropped question and its SQL anew, told what the engine or the judge had against it. One call."""

from app.domain import Dropped
from app.llm.protocol import Refused
from app.replies.sql import SqlQuestion
from workers import gates
from workers.recipes.work import Work
from workers.steps.sql_ask import engine_title
from workers.steps.sql_rows import About, Pair

PROMPT = "repair/sql@1"
# What to do about a fault, by the reason it was dropped for; the detail goes along.
ADVICE = {
    "sql_mismatch": "The SQL does not compute what is asked for. Change whichever of the two is wrong.",
    "another_result": "The question can be read differently. Word it so that it has one reading, and check the SQL.",
    "sql_unclear": "The question cannot be understood alone. State every condition and order it depends on.",
    "question_too_short": "The question cannot be understood alone. Ask it in full.",
    "empty_result": "The SQL gives nothing. Use values that stand in the database, or ask for something that is there.",
    "always_empty": "The conditions contradict each other. Use conditions that can hold together.",
    "unstable_result": "The result must not depend on chance or on the date. Use fixed values.",
    "tied_limit": "The LIMIT cuts between equal rows. Add columns to ORDER BY, and say so in the question.",
    "distractor_used": "Use only the tables named below.",
    "unknown_table": "Use only the tables named below.",
    "unknown_column": "Use only columns that stand in the schema.",
    "runaway": "The query does not end in time. Join tables by their keys, and ask for less.",
    "too_many_rows": "The result has too many rows. Ask for a count, a top few, or with a condition.",
    "not_rewritable": "Write it in plain SQL, without functions that only some databases have.",
    "wrong_result": "Write it in plain SQL, whose meaning is the same in every database.",
}
_IT_FAILED = "The SQL does not run. Write one SELECT statement that does."


async def mended(work: Work, about: About, reject: Dropped) -> Pair | Dropped:
    """The pair that takes its place, not executed yet, or why there is none."""
    sql = reject.attributes.get("executed", {}).get("sql", reject.answer)
    advice = ADVICE.get(reject.reason, _IT_FAILED)
    try:
        reply = await work.model.ask(
            PROMPT,
            context=work.context,
            ahead=1 + gates.calls(work),
            question=reject.question,
            sql=sql,
            fault=f"{advice} ({reject.detail[:300]})" if reject.detail else advice,
            language=work.language,
            tables=[table.name for table in about.schema.asked],
            engine=engine_title(about),
        )
    except Refused as refusal:
        changed = {"reason": refusal.reason, "detail": refusal.detail, "verdicts": ()}
        return reject.model_copy(update=changed)
    assert isinstance(reply, SqlQuestion)
    return Pair(
        way="template" if reject.kind == "template" else "model",
        question=reply.question,
        sql=reply.sql,
        level=reject.attributes.get("asked_level", "easy"),
        prompts=(*reject.lineage.get("prompts", ()), PROMPT),
        attributes={name: reject.attributes[name] for name in _KEPT if name in reject.attributes},
    )


_KEPT = ("repaired_from", "repaired_reason")
