"""ShareGPT conversations."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample

_FROM = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}


def render(sample: Sample) -> dict[str, Any]:
    return {"conversations": [{"from": _FROM[turn["role"]], "value": turn["content"]} for turn in sample.turns]}


SHAREGPT = ExportFormat(summary="ShareGPT conversations.", render=render, loads_with="LLaMA-Factory, Axolotl sharegpt")
