"""From a question and a statement to a row: run it, look at what it gives, and keep what a reader needs with it."""

from dataclasses import dataclass, field
from typing import Any

from app.catalog.sql import TITLES, Level, Way
from app.catalog.tasks.text_to_sql import TextToSqlOptions
from app.domain import Dropped, Sample
from workers.recipes.work import Work
from workers.sandbox.pool import POOL
from workers.sandbox.schema import Schema, ddl
from workers.sandbox.sql import Limits, Result, SqlRefused, engine_of

_LONGEST_CELL = 60


@dataclass(frozen=True, slots=True)
class About:
    """The unit's schema with the text it is shown as, and the options."""

    schema: Schema
    text: str
    options: TextToSqlOptions

    @property
    def engine(self) -> str:
        """The dialect that statements are written and executed in."""
        return engine_of(self.options.dialect)

    @property
    def limits(self) -> Limits:
        return limits_of(self.options.model_dump())


def limits_of(options: dict[str, Any]) -> Limits:
    """What a query of these options may use."""
    return Limits(
        seconds=options["query_seconds"],
        memory_bytes=options["query_memory_mb"] * 1024**2,
        rows_kept=options["result_rows"],
        rows_most=options["query_rows"],
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its statement in the engine's own dialect.

    `level` is what was asked for; `attributes` is what else the row says.
    """

    way: Way
    question: str
    sql: str
    level: Level
    prompts: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)


async def row_of(work: Work, about: About, pair: Pair) -> Sample | Dropped:
    """The row, executed but not yet judged, or why not."""
    attributes: dict[str, Any] = {
        "database": about.schema.database,
        "dialect": about.options.dialect,
        "schema": about.text,
        "asked_level": pair.level,
        **pair.attributes,
    }
    given: dict[str, Any] = {"kind": pair.way, "question": pair.question, "lineage": work.lineage(pair.prompts)}
    try:
        result = await POOL.run(
            about.schema.image, pair.sql, about.engine, about.limits, write=about.options.dialect, examine=True
        )
    except SqlRefused as refused:
        return Dropped(reason=refused.reason, detail=refused.detail, answer=pair.sql, attributes=attributes, **given)
    attributes |= _of(result, about)
    attributes["messages"] = _told(about, pair.question, result.written)
    row = Sample(answer=result.written, attributes=attributes, **given)
    if fault := _misplaced(result, about):
        return _dropped(row, *fault)
    return row


def _of(result: Result, about: About) -> dict[str, Any]:
    return {
        "tables": result.tables,
        "level": result.level,
        "executed": {"engine": about.engine, "sql": result.executed, "image": about.schema.image},
        "result": {
            "columns": result.columns,
            "rows": [[_short(value) for value in row] for row in result.rows],
            "row_count": result.row_count,
            "sha256": result.sha256,
            "loose_sha256": result.loose_sha256,
        },
        "distractors": list(about.schema.distractors),
    }


def _short(value: Any) -> Any:
    return f"{value[:_LONGEST_CELL]}..." if isinstance(value, str) and len(value) > _LONGEST_CELL else value


def _misplaced(result: Result, about: About) -> tuple[str, str] | None:
    """Reads it no table of its own, or one that is only shown to lead astray?"""
    used = set(result.tables)
    asked = {table.name.lower() for table in about.schema.asked}
    shown = {table.name.lower() for table in about.schema.tables}
    if not used:
        return "no_table", "it reads no table of the database"
    if used - shown:
        return "unknown_table", f"{', '.join(sorted(used - shown))}: not among the tables that are shown"
    if used - asked:
        return "distractor_used", f"{', '.join(sorted(used - asked))}: shown, but not to be used"
    return None


def _dropped(row: Sample, reason: str, detail: str) -> Dropped:
    return Dropped(reason=reason, detail=detail, **{name: getattr(row, name) for name in Sample.model_fields})


def _told(about: About, question: str, sql: str) -> list[dict[str, str]]:
    """The row as a conversation: the schema and the question, and nothing but the statement."""
    return [
        {
            "role": "system",
            "content": f"You translate questions into {TITLES[about.options.dialect]} SQL. Answer with one statement "
            "over the tables given, and nothing else.",
        },
        {"role": "user", "content": f"{about.text}\n\n{question}"},
        {"role": "assistant", "content": sql},
    ]


def about_of(work: Work) -> About:
    """The unit's chunk holds its schema as JSON; what is shown of it is CREATE TABLE statements."""
    options = TextToSqlOptions.model_validate(work.options)
    schema = Schema.model_validate_json(work.context.chunks[0].text)
    return About(schema, ddl(schema, options.sampled_values), options)
