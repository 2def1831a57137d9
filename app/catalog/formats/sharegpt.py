"""ShareGPT conversations."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample

_FROM = {"user": "human", "assistant": "gpt", "system": "system", "tool": "observation"}


def render(sample: Sample) -> dict[str, Any]:
    return {"conversations": told(sample.turns)}


def told(turns: list[dict[str, str]]) -> list[dict[str, str]]:
    """Chat messages as ShareGPT has them."""
    return [{"from": _FROM[turn["role"]], "value": turn["content"]} for turn in turns]


SHAREGPT = ExportFormat(summary="ShareGPT conversations.", render=render, loads_with="LLaMA-Factory, Axolotl sharegpt")
