"""DPO with an explicit prompt, conversational (TRL)."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    return {
        "prompt": sample.turns[:-1],
        "chosen": [{"role": "assistant", "content": sample.answer}],
        "rejected": [{"role": "assistant", "content": sample.attributes["rejected"]}],
    }


DPO = ExportFormat(
    summary="Preference pairs with an explicit prompt.",
    render=render,
    loads_with="TRL DPOTrainer, CPOTrainer, ORPOTrainer",
    shapes=frozenset({"preference"}),
)
