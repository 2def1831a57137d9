"""Preference pairs whose prompt is the shared beginning of both conversations (TRL)."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    asked = sample.turns[:-1]
    return {
        "chosen": [*asked, {"role": "assistant", "content": sample.answer}],
        "rejected": [*asked, {"role": "assistant", "content": sample.attributes["rejected"]}],
    }


DPO_IMPLICIT = ExportFormat(
    summary="Preference pairs with an implicit prompt: whole conversations, chosen and rejected.",
    render=render,
    loads_with="TRL DPOTrainer, RewardTrainer, ORPOTrainer",
    shapes=frozenset({"preference"}),
)
