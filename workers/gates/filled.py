"""How many of the schema's properties have a value in the row: null, an empty list and an empty object are none."""

from typing import Any

from app.domain import Sample
from workers.gates import Measured
from workers.recipes.work import Work
from workers.steps.nullable import followed


async def measure(work: Work, row: Sample, *, ahead: int) -> Measured:
    given, total = _count(row.attributes["schema"], row.attributes["schema"], row.attributes["value"])
    return {"filled": (round(given / max(1, total), 3), f"{given} of {total} properties have a value")}


def _count(root: dict[str, Any], node: Any, value: Any) -> tuple[int, int]:
    """(properties with a value, all properties); an object's own properties count, and not the object."""
    node = followed(root, node)
    for option in node.get("anyOf", ()) if isinstance(node, dict) else ():
        if option.get("type") != "null":
            return _count(root, option, value)
    properties = node.get("properties") if isinstance(node, dict) else None
    if not isinstance(properties, dict):
        return int(value not in (None, [], {}, "")), 1
    values = value if isinstance(value, dict) else {}
    counts = [_count(root, inner, values.get(name)) for name, inner in properties.items()]
    return sum(given for given, _ in counts), sum(total for _, total in counts)
