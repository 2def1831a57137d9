"""Stanford Alpaca: instruction, input, output."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    return {"instruction": sample.question, "input": "", "output": sample.answer}


ALPACA = ExportFormat(
    summary="Stanford Alpaca: instruction, input, output.", render=render, loads_with="LLaMA-Factory, Axolotl alpaca"
)
