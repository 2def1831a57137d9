"""OpenAI and TRL chat messages."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": sample.question},
            {"role": "assistant", "content": sample.answer},
        ]
    }


MESSAGES = ExportFormat(
    summary="OpenAI and TRL chat messages.",
    render=render,
    loads_with="OpenAI fine-tuning, TRL SFTTrainer, Axolotl chat_template",
)
