"""Questions and statements over a schema: written by the model, or a template's, worded by the model."""

from app.catalog.sql import LEVELS, TITLES, Level
from app.domain import Dropped
from app.llm.protocol import Refused
from app.replies import Questions
from app.replies.sql import SqlQuestions
from workers.recipes.work import Work
from workers.steps import sql_harder  # noqa: F401  (its templates register themselves)
from workers.steps.sql_draw import Draw, NoFit
from workers.steps.sql_rows import About, Pair
from workers.steps.sql_templates import Filled, fill

ASK, WORD = "ask/sql@1", "word/sql@1"
_TRIES = 8


async def written(work: Work, about: About, levels: list[Level]) -> list[Pair | Dropped]:
    """Pairs that the model writes, one for each level. One call."""
    try:
        reply = await work.model.ask(
            ASK,
            context=work.context,
            ahead=2,
            count=len(levels),
            language=work.language,
            avoid=list(work.avoid)[-40:],
            levels=[LEVELS[level] for level in levels],
            tables=[table.name for table in about.schema.asked],
            engine=engine_title(about),
        )
    except Refused as refusal:
        return [Dropped(reason=refusal.reason, detail=refusal.detail, kind="model", lineage=work.lineage((ASK,)))]
    assert isinstance(reply, SqlQuestions)
    return [
        Pair("model", found.question, found.sql, level, (ASK,))
        for found, level in zip(reply.questions, levels, strict=False)
    ]


async def templated(work: Work, about: About, levels: list[Level]) -> list[Pair | Dropped]:
    """Pairs whose statements come of templates, each filled once. One call words them."""
    filled, dropped = _filled(work, about, levels)
    if not filled:
        return dropped
    try:
        reply = await work.model.ask(
            WORD,
            context=work.context,
            ahead=2,
            count=len(filled),
            language=work.language,
            statements=[f"{found.sql} ({found.meaning})" for found in filled],
        )
    except Refused as refusal:
        refused = Dropped(reason=refusal.reason, detail=refusal.detail, kind="template", lineage=work.lineage((WORD,)))
        return [*dropped, refused]
    assert isinstance(reply, Questions)
    pairs = [
        Pair("template", question, found.sql, found.level, (WORD,), {"template": found.template})
        for question, found in zip(reply.questions, filled, strict=False)
    ]
    return [*dropped, *pairs]


def engine_title(about: About) -> str:
    """What the model knows the engine as that its statements are executed in."""
    return TITLES["sqlite" if about.engine == "sqlite" else "duckdb"]


def _filled(work: Work, about: About, levels: list[Level]) -> tuple[list[Filled], list[Pair | Dropped]]:
    draw = Draw(about.schema, about.engine, work.random("templates"))
    filled: list[Filled] = []
    dropped: list[Pair | Dropped] = []
    for level in levels:
        try:
            fresh = (fill(draw, level) for _ in range(_TRIES))
            filled.append(next(found for found in fresh if found.sql not in {one.sql for one in filled}))
        except (NoFit, StopIteration):
            detail = f"these tables have nothing for another template of the level {level}"
            dropped.append(Dropped(reason="no_template", detail=detail, kind="template", lineage=work.lineage(())))
    return filled, dropped
