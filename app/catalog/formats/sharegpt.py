"""ShareGPT conversations; calls of tools as LLaMA-Factory reads them."""

import json
from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample

_FROM = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}


def render(sample: Sample) -> dict[str, Any]:
    tools = [tool["function"] for tool in sample.attributes.get("tools", ())]
    return {"conversations": told(sample.turns)} | ({"tools": _json(tools)} if tools else {})


def told(turns: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Chat messages as ShareGPT has them.

    Calls made together are one `function_call`, and their results one `observation`: turns go back and forth.
    """
    found: list[dict[str, str]] = []
    results: list[Any] = []
    for turn in turns:
        if turn["role"] == "tool":
            results.append(json.loads(turn["content"]))
            continue
        found += _observed(results)
        results = []
        found.append(_called(turn) if "tool_calls" in turn else {"from": _FROM[turn["role"]], "value": turn["content"]})
    return found + _observed(results)


def _called(turn: dict[str, Any]) -> dict[str, str]:
    functions = [call["function"] for call in turn["tool_calls"]]
    calls = [{"name": one["name"], "arguments": json.loads(one["arguments"])} for one in functions]
    return {"from": "function_call", "value": _json(calls[0] if len(calls) == 1 else calls)}


def _observed(results: list[Any]) -> list[dict[str, str]]:
    return [{"from": _FROM["tool"], "value": _json(results[0] if len(results) == 1 else results)}] if results else []


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


SHAREGPT = ExportFormat(
    summary="ShareGPT conversations, with `tools` where a row has some.",
    render=render,
    loads_with="LLaMA-Factory, Axolotl sharegpt",
    shapes=frozenset({"chat", "tools", "preference", "trajectories"}),
)
