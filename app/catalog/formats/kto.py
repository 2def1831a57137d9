"""Unpaired preferences: every answer is a line of its own, with a label (KTO, arXiv 2402.01306)."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> list[dict[str, Any]]:
    """Two lines a row: the chosen answer (true) and the rejected one (false)."""
    answers = ((sample.answer, True), (sample.attributes["rejected"], False))
    return [
        {
            "prompt": sample.turns[:-1],
            "completion": [{"role": "assistant", "content": text}],
            "label": label,
        }
        for text, label in answers
    ]


KTO = ExportFormat(
    summary="Unpaired preferences: an answer a line, with a label.",
    render=render,
    loads_with="TRL KTOTrainer, LLaMA-Factory kto",
    shapes=frozenset({"preference"}),
)
