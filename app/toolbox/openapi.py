"""From an OpenAPI 3 document to tools: one operation is one tool, its parameters and body are the tool's arguments."""

import re
from collections.abc import Iterator
from typing import Any

from app.toolbox.schemas import Fault, Place, resolve

METHODS = ("get", "put", "post", "delete", "patch")
DEEPEST = 12  # references followed below each other; what lies deeper, or leads back to itself, may be anything
_NOT_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_KEPT = ("path", "query")  # headers and cookies are the client's business, not the model's


def operations(document: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]] | Fault]:
    """(where it stands, the tool) for each operation in the document's order, or what is wrong and where."""
    version = document.get("openapi")
    if not isinstance(version, str) or not version.startswith("3."):
        yield ("openapi",), "an OpenAPI 3 document says `openapi: 3.x.y` here"
        return
    paths = document.get("paths")
    if not isinstance(paths, dict):
        yield ("paths",), "an OpenAPI document has its operations here"
        return
    for path, item in paths.items():
        if not isinstance(item, dict):
            yield ("paths", path), "a path item is an object"
            continue
        for method in METHODS:
            if method in item:
                place = ("paths", path, method)
                operation = item[method]
                if not isinstance(operation, dict):
                    yield place, "an operation is an object"
                else:
                    yield place, _tool(document, path, method, item, operation)


def _tool(
    document: dict[str, Any], path: str, method: str, item: dict[str, Any], operation: dict[str, Any]
) -> dict[str, Any]:
    named = operation.get("operationId") or f"{method}_{path.strip('/')}"
    texts = [operation.get("summary"), operation.get("description")]
    said = ". ".join(text.strip().rstrip(".") for text in texts if isinstance(text, str) and text.strip())
    return {
        "name": _NOT_NAME.sub("_", str(named)).strip("_")[:64] or method,
        "description": f"{said[:1000]}." if said else f"{method.upper()} {path}",
        "parameters": _arguments(document, [*_listed(item), *_listed(operation)], operation.get("requestBody")),
    }


def _listed(holder: dict[str, Any]) -> list[Any]:
    found = holder.get("parameters")
    return found if isinstance(found, list) else []


def _arguments(document: dict[str, Any], listed: list[Any], body: Any) -> dict[str, Any]:
    """One object: a property for each parameter of path and query, and `body` for a JSON body."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for one in listed:
        parameter = _written_out(document, one)
        if not isinstance(parameter, dict) or parameter.get("in") not in _KEPT or "name" not in parameter:
            continue
        name, schema = str(parameter["name"]), parameter.get("schema")
        properties[name] = dict(schema) if isinstance(schema, dict) else {}
        if isinstance(parameter.get("description"), str):
            properties[name].setdefault("description", parameter["description"][:500])
        if (parameter.get("required") or parameter["in"] == "path") and name not in required:
            required.append(name)
    content = _written_out(document, body)
    if isinstance(content, dict) and isinstance(kinds := content.get("content"), dict):
        json_kinds = (kinds[kind] for kind in kinds if "json" in kind and isinstance(kinds[kind], dict))
        schema = next((kind.get("schema") for kind in json_kinds), None)
        if isinstance(schema, dict):
            properties["body"] = schema
            required += ["body"] if content.get("required") else []
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _written_out(document: dict[str, Any], node: Any, open_refs: tuple[str, ...] = ()) -> Any:
    """`node` with its references replaced by what they lead to, and words of OpenAPI 3.0 by JSON Schema's."""
    if isinstance(node, list):
        return [_written_out(document, one, open_refs) for one in node]
    if not isinstance(node, dict):
        return node
    ref = node.get("$ref")
    if isinstance(ref, str):
        if ref in open_refs or len(open_refs) >= DEEPEST:
            return {}
        return _written_out(document, resolve(document, ref), (*open_refs, ref)) or {}
    found = {name: _written_out(document, one, open_refs) for name, one in node.items() if name not in _DROPPED}
    if found.pop("nullable", None) is True and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    for limit in ("exclusiveMinimum", "exclusiveMaximum"):
        if isinstance(found.get(limit), bool):
            del found[limit]
    return found


_DROPPED = frozenset({"xml", "externalDocs", "discriminator"})
