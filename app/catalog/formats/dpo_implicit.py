"""Preference pairs whose prompt is the shared beginning of both conversations (TRL)."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.catalog.pairs import pair
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    found = pair(sample)
    return {"chosen": [*found.prompt, *found.chosen], "rejected": [*found.prompt, *found.rejected]}


DPO_IMPLICIT = ExportFormat(
    summary="Preference pairs with an implicit prompt: whole conversations, chosen and rejected.",
    render=render,
    loads_with="TRL DPOTrainer, RewardTrainer, ORPOTrainer",
    shapes=frozenset({"preference", "trajectories"}),
)
