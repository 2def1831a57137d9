"""Preference pairs in LLaMA-Factory's ShareGPT form: the conversation so far, and the next message in two ways.

Each way is exactly one message, so pairs of whole conversations cannot be written.
"""

from typing import Any

from app.catalog.formats.sharegpt import told
from app.catalog.kinds import ExportFormat
from app.catalog.pairs import pair
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    found = pair(sample)
    (chosen,), (rejected,) = told(found.chosen), told(found.rejected)
    return {"conversations": told(found.prompt), "chosen": chosen, "rejected": rejected}


SHAREGPT_PREFERENCE = ExportFormat(
    summary="Preference pairs as ShareGPT: a conversation, and the next message chosen and rejected.",
    render=render,
    loads_with="LLaMA-Factory dpo (ranking)",
    shapes=frozenset({"preference"}),
)
