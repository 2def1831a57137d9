"""One ChatML text a row, for trainers that take plain text."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    return {"text": "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in sample.turns)}


CHATML = ExportFormat(
    summary="One ChatML text a row: `<|im_start|>role`, content, `<|im_end|>`.",
    render=render,
    loads_with="TRL SFTTrainer (text), Axolotl completion, Unsloth",
)
