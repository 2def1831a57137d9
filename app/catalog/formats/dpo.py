"""DPO with an explicit prompt, conversational (TRL); ORPO, CPO and others read the same columns."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.catalog.pairs import pair
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    """Of conversations `prompt` is what both share, `chosen` and `rejected` how each goes on, to its last answer."""
    found = pair(sample)
    return {"prompt": found.prompt, "chosen": found.chosen, "rejected": found.rejected}


DPO = ExportFormat(
    summary="Preference pairs with an explicit prompt; ORPO and CPO read the same.",
    render=render,
    loads_with="TRL DPOTrainer, CPOTrainer, ORPOTrainer",
    shapes=frozenset({"preference", "trajectories"}),
)
