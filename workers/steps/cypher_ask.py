"""Questions and queries over a graph: the model's own, a template's worded by it, or for an answer chosen before."""

from app.catalog.cypher import CATEGORIES, Category
from app.domain import Dropped
from app.llm.protocol import Refused
from app.replies import Questions
from app.replies.cypher import CypherQuestions
from workers.recipes.work import Work
from workers.sandbox.graph_schema import literal, quoted
from workers.steps import cypher_harder  # noqa: F401  (its templates register themselves)
from workers.steps.cypher_draw import GraphDraw
from workers.steps.cypher_rows import About, Pair
from workers.steps.cypher_templates import Filled, fill
from workers.steps.sql_draw import NoFit

ASK, REVERSE, WORD = "ask/cypher@1", "ask/cypher_reverse@1", "word/cypher@1"
_TRIES = 8


async def written(work: Work, about: About, categories: list[Category]) -> list[Pair | Dropped]:
    """Pairs that the model writes, one for each category. One call."""
    try:
        reply = await work.model.ask(
            ASK,
            context=work.context,
            ahead=3,
            count=len(categories),
            language=work.language,
            avoid=list(work.avoid)[-40:],
            categories=[f"{category}: {CATEGORIES[category]}" for category in categories],
        )
    except Refused as refusal:
        return [Dropped(reason=refusal.reason, detail=refusal.detail, kind="model", lineage=work.lineage((ASK,)))]
    assert isinstance(reply, CypherQuestions)
    return [
        Pair("model", found.question, found.cypher, category, (ASK,))
        for found, category in zip(reply.questions, categories, strict=False)
    ]


async def reversed_(work: Work, about: About, categories: list[Category]) -> list[Pair | Dropped]:
    """Pairs for answers that are chosen first, each a value in a piece of the graph. One call.

    The result of the query must hold the answer. After PIPE-Cypher (arXiv 2606.08481).
    """
    answers, dropped = _answers(work, about, len(categories))
    if not answers:
        return dropped
    try:
        reply = await work.model.ask(
            REVERSE,
            context=work.context,
            ahead=3,
            count=len(answers),
            language=work.language,
            avoid=list(work.avoid)[-40:],
            answers=[told for told, _ in answers],
        )
    except Refused as refusal:
        refused = Dropped(
            reason=refusal.reason, detail=refusal.detail, kind="reverse", lineage=work.lineage((REVERSE,))
        )
        return [*dropped, refused]
    assert isinstance(reply, CypherQuestions)
    return [
        *dropped,
        *(
            Pair("reverse", found.question, found.cypher, "relation", (REVERSE,), {"chosen": told, "holds": value})
            for found, (told, value) in zip(reply.questions, answers, strict=False)
        ),
    ]


def _answers(work: Work, about: About, count: int) -> tuple[list[tuple[str, object]], list[Pair | Dropped]]:
    """(an answer in words, its value) for each pair, and drops for those the graph has nothing for."""
    chance = work.random("answers")
    found: dict[str, object] = {}
    for fact in about.part.facts:
        for thing in (fact.source, fact.target):
            for name, value in thing.properties.items():
                if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
                    told = f"{literal(value)}, the {quoted(name)} of (:{quoted(thing.label)}) in {fact.told()}"
                    found[told] = value
    drawn = chance.sample(sorted(found), min(count, len(found)))
    detail = "this piece of the graph has no other value to ask for"
    missing = Dropped(reason="no_answer", detail=detail, kind="reverse", lineage=work.lineage(()))
    return [(told, found[told]) for told in drawn], [missing] * (count - len(drawn))


async def templated(work: Work, about: About, categories: list[Category]) -> list[Pair | Dropped]:
    """Pairs whose queries come of templates, each filled once. One call words them."""
    filled, dropped = _filled(work, about, categories)
    if not filled:
        return dropped
    try:
        reply = await work.model.ask(
            WORD,
            context=work.context,
            ahead=3,
            count=len(filled),
            language=work.language,
            queries=[f"{found.cypher} ({found.meaning})" for found in filled],
        )
    except Refused as refusal:
        refused = Dropped(reason=refusal.reason, detail=refusal.detail, kind="template", lineage=work.lineage((WORD,)))
        return [*dropped, refused]
    assert isinstance(reply, Questions)
    pairs = [
        Pair("template", question, found.cypher, found.category, (WORD,), {"template": found.template})
        for question, found in zip(reply.questions, filled, strict=False)
    ]
    return [*dropped, *pairs]


def _filled(work: Work, about: About, categories: list[Category]) -> tuple[list[Filled], list[Pair | Dropped]]:
    draw = GraphDraw(about.part, work.random("templates"))
    filled: list[Filled] = []
    dropped: list[Pair | Dropped] = []
    for category in categories:
        try:
            fresh = (fill(draw, category) for _ in range(_TRIES))
            filled.append(next(found for found in fresh if found.cypher not in {one.cypher for one in filled}))
        except (NoFit, StopIteration):
            detail = f"this graph has nothing for another template of the category {category}"
            dropped.append(Dropped(reason="no_template", detail=detail, kind="template", lineage=work.lineage(())))
    return filled, dropped
