"""TRL prompt and completion, conversational."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    return {"prompt": sample.turns[:-1], "completion": sample.turns[-1:]}


PROMPT_COMPLETION = ExportFormat(
    summary="TRL prompt and completion, conversational.",
    render=render,
    loads_with="TRL SFTTrainer (loss on the completion only)",
)
