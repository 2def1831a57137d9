"""Requests to an assistant with tools, and calls of them, read from a prompt whose document is a list of tools."""

import json
import re
from typing import Any
from zlib import crc32

from tests.fakes.document import Document

_ASKED = re.compile(r"^Please (.+) \(request (\d+), ([a-z_]+)\)\.$")
_TYPES = {
    "exactly one call": "single",
    "do not need each other's results; one tool": "parallel",
    "a later one needs": "multi_step",
    "an empty list": "no_call",
}


def request(document: Document, instruction: str, position: int) -> dict[str, Any]:
    """A request of the type asked for; its words say which tools, for the calls to find them again."""
    kind = next(kind for words, kind in _TYPES.items() if words in instruction)
    seed = crc32((document.text + instruction).encode())
    names = [tool["name"] for tool in tools(document)]
    first = (seed + position) % len(names)
    many = {"single": 1, "no_call": 0}.get(kind, 2)
    wanted = [names[(first + i) % len(names)] for i in range(many)]
    said = " and ".join(f"use {name}" for name in wanted) or "find out how the weather will be"
    number = seed % 1000 + position
    while f"(request {number}, {kind})" in instruction:  # it was asked already
        number += 1
    return {"tools": list(dict.fromkeys(wanted)), "question": f"Please {said} (request {number}, {kind})."}


def step(document: Document, instruction: str, question: str) -> dict[str, Any]:
    """The calls that a request's words ask for, those of `multi_step` one a round; then the answer."""
    found = _ASKED.match(question)
    wanted = re.findall(r"use ([\w-]+)", found[1]) if found else []
    done = len(re.findall(r"^\S+\(.*\) -> ", instruction, re.M))
    now = wanted[done : done + 1] if found and found[3] == "multi_step" else wanted[done:]
    known = {tool["name"]: tool["parameters"] for tool in tools(document)}
    if not now:
        said = "All is done as you wished, and here is what came of it." if wanted else "None of my tools can do that."
        return {"calls": [], "answer": said}
    calls = [
        {"name": name, "arguments": instance(known[name], f"{name} {place}")}
        for place, name in enumerate(now, start=done + 1)
    ]
    return {"calls": calls, "answer": ""}


def tools(document: Document) -> list[dict[str, Any]]:
    return [json.loads(line) for line in document.text.splitlines() if line.strip()]


def instance(schema: dict[str, Any], word: str) -> Any:
    """The smallest value that meets a plain schema; texts hold `word`."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if kind == "object":
        required = schema.get("required", [])
        return {name: instance(schema.get("properties", {}).get(name, {}), word) for name in required}
    made = {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1.5), "boolean": True, "array": []}
    return made.get(kind, word)
