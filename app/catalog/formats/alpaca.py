"""Stanford Alpaca: instruction, input, output; earlier turns as LLaMA-Factory's `history`."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    """The last exchange; a system message and whole exchanges before it only where there are some."""
    told = sample.turns
    system = [turn["content"] for turn in told if turn["role"] == "system"]
    spoken = [turn["content"] for turn in told if turn["role"] != "system"]
    row: dict[str, Any] = {"instruction": spoken[-2] if len(spoken) > 1 else "", "input": "", "output": spoken[-1]}
    if system:
        row["system"] = system[0]
    if len(spoken) > 2:
        row["history"] = [list(pair) for pair in zip(spoken[:-2:2], spoken[1:-2:2], strict=True)]
    return row


ALPACA = ExportFormat(
    summary="Stanford Alpaca: instruction, input, output; earlier turns as `history`.",
    render=render,
    loads_with="LLaMA-Factory, Axolotl alpaca",
)
