"""A user's schema as a model is asked by it: every property is there, and may be null; texts and lists are bounded."""

from typing import Any

from app.toolbox.schemas import resolve

LONGEST_TEXT = 300
LONGEST_LIST = 20
_NULL = {"type": "null"}
DERIVED = "x-derived"


def asked(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its references written out. `schema` is one in which `toolbox.schemas.fault` found nothing."""
    found: dict[str, Any] = _of(schema, schema)
    return found


def _of(root: dict[str, Any], node: Any) -> Any:
    node = followed(root, node)
    if not isinstance(node, dict):
        return node
    kept = {name: value for name, value in node.items() if name not in ("$defs", "definitions", "$schema", "$id")}
    if isinstance(node.get("properties"), dict):
        inner = {name: _or_null(root, value) for name, value in node["properties"].items()}
        return kept | {"properties": inner, "required": list(inner), "additionalProperties": False}
    if node.get("type") == "array" or "items" in node:
        most = min(int(node.get("maxItems", LONGEST_LIST)), LONGEST_LIST)
        return kept | {"items": _of(root, node.get("items", {"type": "string"})), "maxItems": most}
    if node.get("type") == "string" and not {"enum", "const"} & node.keys():
        return kept | {"maxLength": min(int(node.get("maxLength", LONGEST_TEXT)), LONGEST_TEXT)}
    return kept


def _or_null(root: dict[str, Any], node: Any) -> Any:
    """A list says that there is nothing by being empty."""
    found = _of(root, node)
    if isinstance(found, dict) and found.get("type") == "array" and not found.get("minItems"):
        return found
    return {"anyOf": [found, _NULL]}


def followed(root: dict[str, Any], node: Any) -> Any:
    """What the reference leads to, with what stands beside it."""
    while isinstance(node, dict) and isinstance(node.get("$ref"), str):
        beside = {name: value for name, value in node.items() if name != "$ref"}
        target = resolve(root, node["$ref"])
        node = target | beside if isinstance(target, dict) else target
    return node


def part(root: dict[str, Any], node: Any, name: str | int) -> Any:
    """The schema of a property or an item of what `node` describes; {} where it says nothing of it."""
    node = followed(root, node)
    if not isinstance(node, dict):
        return {}
    if isinstance(name, int):
        return followed(root, node.get("items", {}))
    return followed(root, node.get("properties", {}).get(name, {}))
