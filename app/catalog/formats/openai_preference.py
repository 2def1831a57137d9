"""OpenAI's preference fine-tuning: an input, and the preferred and the other output.

Each output is exactly one message of the assistant, so pairs of whole conversations cannot be written.
"""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.catalog.pairs import pair
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    found = pair(sample)
    return {
        "input": {"messages": found.prompt},
        "preferred_output": found.chosen,
        "non_preferred_output": found.rejected,
    }


OPENAI_PREFERENCE = ExportFormat(
    summary="OpenAI's preference fine-tuning: input, preferred and other output.",
    render=render,
    loads_with="OpenAI fine-tuning (method dpo)",
    shapes=frozenset({"preference"}),
)
