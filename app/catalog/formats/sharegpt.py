"""ShareGPT conversations."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    return {
        "conversations": [
            {"from": "human", "value": sample.question},
            {"from": "gpt", "value": sample.answer},
        ]
    }


SHAREGPT = ExportFormat(summary="ShareGPT conversations.", render=render, loads_with="LLaMA-Factory, Axolotl sharegpt")
