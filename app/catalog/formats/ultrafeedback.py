"""Every answer with its score, best first: lists in the manner of UltraFeedback (arXiv 2310.01377)."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.catalog.pairs import pair
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    """The whole ranking of a prompt, or the pair alone where the row keeps no ranking.

    `history`, where there is one: the turns before the instruction. Of conversations `response` is the last answer,
    and `messages` are all turns after the instruction.
    """
    found = pair(sample)
    row: dict[str, Any] = {"instruction": found.prompt[-1]["content"] if found.prompt else ""}
    if len(found.prompt) > 1:
        row["history"] = found.prompt[:-1]
    listed = sample.attributes.get("candidates") or [
        {"text": found.chosen[-1]["content"], "score": 1.0, "turns": found.chosen},
        {"text": found.rejected[-1]["content"], "score": 0.0, "turns": found.rejected},
    ]
    ranked = sorted(listed, key=lambda one: -one["score"])
    return row | {"completions": [_completion(one) for one in ranked]}


def _completion(found: dict[str, Any]) -> dict[str, Any]:
    written = {
        "response": found["text"],
        "overall_score": float(found["score"]),
        "model": str(found.get("model", "")),
    }
    return written | ({"messages": found["turns"]} if len(found.get("turns") or ()) > 1 else {})


ULTRAFEEDBACK = ExportFormat(
    summary="Every answer with its score, best first, in the manner of UltraFeedback.",
    render=render,
    loads_with="datasets; scripts made for UltraFeedback",
    shapes=frozenset({"preference", "trajectories"}),
    once=True,
)
