"""From a question and a query to a row: run it, look at what it gives, and keep what a reader needs with it."""

from dataclasses import dataclass, field
from typing import Any

from app.catalog.cypher import Category, Way
from app.catalog.tasks.text_to_cypher import TextToCypherOptions
from app.domain import Dropped, Sample
from workers.gates import drop
from workers.recipes.work import Work
from workers.sandbox.graph import CypherRefused, GraphLimits, GraphResult
from workers.sandbox.graph_pool import GRAPHS
from workers.sandbox.graph_schema import GraphPart, shown
from workers.steps import cypher_void

_LONGEST_CELL = 60
# What the sandbox says, and what rows are dropped for.
_REASONS = {
    "syntax_error": "cypher_syntax",
    "write_statement": "not_read_only",
    "timeout": "runaway",
    "out_of_memory": "too_much_memory",
    "execution_error": "cypher_error",
}


@dataclass(frozen=True, slots=True)
class About:
    """The unit's part of a graph with the text it is shown as, and the options."""

    part: GraphPart
    text: str
    options: TextToCypherOptions


def limits_of(options: dict[str, Any]) -> GraphLimits:
    """What a query of these options may use."""
    return GraphLimits(
        seconds=options["query_seconds"],
        rows_kept=options["result_rows"],
        rows_most=options["query_rows"],
        query_bytes=options["query_memory_mb"] * 1024**2,
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its query. `attributes` is what else the row says; `holds` among them what its result must."""

    way: Way
    question: str
    cypher: str
    category: Category
    prompts: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)


async def row_of(work: Work, about: About, pair: Pair) -> Sample | Dropped:
    """The row, executed but not yet judged, or why not."""
    attributes: dict[str, Any] = {
        "graph": about.part.graph,
        "dialect": "cypher",
        "schema": about.text,
        "category": pair.category,
        **pair.attributes,
    }
    cypher = pair.cypher.strip().rstrip(";").rstrip()
    given: dict[str, Any] = {"kind": pair.way, "question": pair.question, "lineage": work.lineage(pair.prompts)}
    try:
        result = await GRAPHS.run(about.part.image, cypher, limits_of(work.options))
    except CypherRefused as refused:
        reason = _REASONS.get(refused.reason, refused.reason)
        return Dropped(reason=reason, detail=refused.detail, answer=cypher, attributes=attributes, **given)
    attributes |= {"labels": result.labels, "types": result.types, "image": about.part.image, "result": _kept(result)}
    attributes["messages"] = _told(about, pair.question, cypher)
    row = Sample(answer=cypher, attributes=attributes, **given)
    found = _not_shown(result, about) or cypher_void.fault(cypher, result) or _another(result, pair)
    return drop(row, *found) if found else row


def _kept(result: GraphResult) -> dict[str, Any]:
    return {
        "columns": result.columns,
        "rows": [[_short(value) for value in row] for row in result.rows],
        "row_count": result.row_count,
        "sha256": result.sha256,
    }


def _short(value: Any) -> Any:
    return f"{value[:_LONGEST_CELL]}..." if isinstance(value, str) and len(value) > _LONGEST_CELL else value


def _not_shown(result: GraphResult, about: About) -> tuple[str, str] | None:
    """Does it use what the graph has, but what is not shown of it?"""
    if unknown := set(result.labels) - {label.name for label in about.part.labels}:
        return "unknown_label", f"{', '.join(sorted(unknown))}: not among the labels that are shown"
    if unknown := set(result.types) - {link.type for link in about.part.links}:
        return "unknown_type", f"{', '.join(sorted(unknown))}: not among the relationships that are shown"
    return None


def _another(result: GraphResult, pair: Pair) -> tuple[str, str] | None:
    """Is the answer that was chosen first missing from the result? Told only where all rows are at hand."""
    if "holds" not in pair.attributes or result.row_count > len(result.rows):
        return None
    wanted = str(pair.attributes["holds"])
    cells = [cell for row in result.rows for cell in row]
    if any(_holds(cell, wanted) for cell in cells):
        return None
    return "wrong_result", f"the result does not hold {wanted}, the answer that was chosen"


def _holds(cell: Any, wanted: str) -> bool:
    if isinstance(cell, dict):
        return any(_holds(one, wanted) for one in cell.values())
    if isinstance(cell, list):
        return any(_holds(one, wanted) for one in cell)
    return str(cell) == wanted or (isinstance(cell, str) and cell.startswith("[") and wanted in cell)


def _told(about: About, question: str, cypher: str) -> list[dict[str, str]]:
    """The row as a conversation: the schema and the question, and nothing but the query."""
    return [
        {
            "role": "system",
            "content": "You translate questions into openCypher. Answer with one query over the graph given, and "
            "nothing else.",
        },
        {"role": "user", "content": f"{about.text}\n\n{question}"},
        {"role": "assistant", "content": cypher},
    ]


def about_of(work: Work) -> About:
    """The unit's chunk holds its part of a graph as JSON; the facts are shown to models, and not kept with rows."""
    options = TextToCypherOptions.model_validate(work.options)
    part = GraphPart.model_validate_json(work.context.chunks[0].text)
    return About(part, shown(part.model_copy(update={"facts": ()}), options.sampled_values), options)
