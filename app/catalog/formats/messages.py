"""OpenAI and TRL chat messages."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    tools = {"tools": sample.attributes["tools"]} if sample.attributes.get("tools") else {}
    return {"messages": sample.turns, **tools}


MESSAGES = ExportFormat(
    summary="OpenAI and TRL chat messages, with `tools` where a row has some.",
    render=render,
    loads_with="OpenAI fine-tuning, TRL SFTTrainer, Axolotl chat_template",
    shapes=frozenset({"chat", "tools", "preference", "trajectories"}),
)
