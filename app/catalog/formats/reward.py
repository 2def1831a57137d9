"""Chosen and rejected conversations with the margin between their scores, for reward models (TRL)."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.catalog.pairs import pair
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    found = pair(sample)
    return {
        "chosen": [*found.prompt, *found.chosen],
        "rejected": [*found.prompt, *found.rejected],
        "margin": float(sample.attributes.get("margin", 0.0)),
    }


REWARD = ExportFormat(
    summary="Chosen and rejected conversations with the margin between their scores.",
    render=render,
    loads_with="TRL RewardTrainer",
    shapes=frozenset({"preference", "trajectories"}),
)
