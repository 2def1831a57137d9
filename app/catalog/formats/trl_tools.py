"""TRL messages with tools: arguments as objects, as chat templates read them, and the tools' schemas beside them."""

import json
from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    """`tools` is a JSON text, which TRL reads: as columns, every tool would get the parameters of all the others."""
    names: dict[str, str] = {}
    told = [_turn(turn, names) for turn in sample.turns]
    return {"messages": told, "tools": json.dumps(sample.attributes["tools"], ensure_ascii=False)}


def _turn(turn: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """The turn; `names` learns which call has which tool, and a result says whose it is."""
    if turn["role"] == "tool":
        return {"role": "tool", "name": names[turn["tool_call_id"]], "content": turn["content"]}
    if "tool_calls" not in turn:
        return turn
    names.update((call["id"], call["function"]["name"]) for call in turn["tool_calls"])
    functions = [call["function"] for call in turn["tool_calls"]]
    calls = [
        {"type": "function", "function": {"name": one["name"], "arguments": json.loads(one["arguments"])}}
        for one in functions
    ]
    return {"role": turn["role"], "content": turn["content"], "tool_calls": calls}


TRL_TOOLS = ExportFormat(
    summary="TRL messages with tools, the arguments of calls as objects.",
    render=render,
    loads_with="TRL SFTTrainer, chat templates of transformers",
    shapes=frozenset({"tools"}),
)
