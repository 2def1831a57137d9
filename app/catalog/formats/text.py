"""Plain text, for continued pre-training."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    return {"text": sample.answer}


TEXT = ExportFormat(
    summary="Plain text, for continued pre-training.",
    render=render,
    loads_with="TRL SFTTrainer (text), LLaMA-Factory pt, Axolotl completion",
    shapes=frozenset({"text"}),
)
