"""OpenAI's preference fine-tuning: an input, and the preferred and the other output."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    return {
        "input": {"messages": sample.turns[:-1]},
        "preferred_output": [{"role": "assistant", "content": sample.answer}],
        "non_preferred_output": [{"role": "assistant", "content": sample.attributes["rejected"]}],
    }


OPENAI_PREFERENCE = ExportFormat(
    summary="OpenAI's preference fine-tuning: input, preferred and other output.",
    render=render,
    loads_with="OpenAI fine-tuning (method dpo)",
    shapes=frozenset({"preference"}),
)
