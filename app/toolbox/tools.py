"""Tools as a user sends them (functions with JSON schemas, or an OpenAPI document) in the one form rows have."""

import re
from functools import lru_cache
from typing import Any

import orjson

from app.toolbox import openapi, schemas
from app.toolbox.schemas import Fault, Place

MOST_TOOLS = 128
MOST_BYTES = 300_000  # of all tools, or of the OpenAPI document
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SCHEMAS = ("parameters", "input_schema", "inputSchema")  # as OpenAI, Anthropic and MCP call it
_EMPTY: dict[str, Any] = {"type": "object", "properties": {}}

Tool = dict[str, Any]


def read(listed: list[dict[str, Any]], document: dict[str, Any] | None) -> tuple[list[Tool], list[Fault]]:
    """(tools in OpenAI's form, what is wrong); the place of a fault begins with `tools` or `openapi`."""
    try:
        raw = orjson.dumps([listed, document])
    except (TypeError, ValueError, RecursionError) as error:
        return [], [(("tools",), f"not JSON: {error}")]
    if len(raw) > MOST_BYTES:
        return [], [(("openapi" if document else "tools",), f"larger than {MOST_BYTES} bytes")]
    tools, faults = _read(raw)
    return orjson.loads(tools), list(faults)


@lru_cache(maxsize=64)
def _read(raw: bytes) -> tuple[bytes, tuple[Fault, ...]]:
    """Options are read again for every unit and every look at a dataset: what was read once is kept, as JSON."""
    listed, document = orjson.loads(raw)
    found: list[tuple[Place, Any]] = [(("tools", number), one) for number, one in enumerate(listed)]
    faults: list[Fault] = []
    if document is not None:
        for place, what in openapi.operations(document):
            if isinstance(what, str):
                faults.append((("openapi", *place), what))
            else:
                found.append((("openapi", *place), what))
        if not found and not faults:
            faults.append((("openapi", "paths"), "there is no operation"))
    if len(found) > MOST_TOOLS:
        faults.append((("tools" if listed else "openapi",), f"more than {MOST_TOOLS} tools"))
        return b"[]", tuple(faults)
    tools: list[Tool] = []
    for place, one in found:
        tool = _tool(place, one, {known["function"]["name"] for known in tools})
        if isinstance(tool, dict):
            tools.append(tool)
        else:
            faults.append(tool)
    return orjson.dumps(tools), tuple(faults)


def _tool(place: Place, given: Any, taken: set[str]) -> Tool | Fault:
    """One tool, or what is wrong with it."""
    if isinstance(given, dict) and isinstance(given.get("function"), dict):
        place, given = (*place, "function"), given["function"]
    if not isinstance(given, dict):
        return place, "a tool is an object with `name`, `description` and `parameters`"
    name, said = given.get("name"), given.get("description") or ""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        return (*place, "name"), "a name has 1 to 64 letters, digits, - and _"
    if name in taken:
        return (*place, "name"), f"there is another tool called {name!r}"
    if not isinstance(said, str) or len(said) > 2000:
        return (*place, "description"), "a description is a text of at most 2000 characters"
    key = next((key for key in _SCHEMAS if key in given), "parameters")
    schema = given.get(key) or _EMPTY
    if bad := schemas.fault(schema):
        return (*place, key, *bad[0]), bad[1]
    if schema.get("type", "object") != "object":
        return (*place, key, "type"), "the arguments of a tool are an object"
    return {"type": "function", "function": {"name": name, "description": said, "parameters": schema}}


def listing(tools: list[Tool]) -> bytes:
    """The tools as one JSON document, a line each."""
    lines = [orjson.dumps(tool["function"]).decode() for tool in tools]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode()


def places(text: str) -> list[tuple[int, int]]:
    """The characters of a `listing` at which each tool stands."""
    found, start = [], 0
    for line in text.split("\n"):
        if line.startswith("{"):
            found.append((start, start + len(line.rstrip(","))))
        start += len(line) + 1
    return found
