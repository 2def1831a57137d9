"""Every answer with its score, best first: lists in the manner of UltraFeedback (arXiv 2310.01377)."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.domain import Sample


def render(sample: Sample) -> dict[str, Any]:
    pair = [{"text": sample.answer, "score": 1.0}, {"text": sample.attributes["rejected"], "score": 0.0}]
    ranked = sorted(sample.attributes.get("candidates") or pair, key=lambda found: -found["score"])
    return {
        "instruction": sample.turns[-2]["content"],
        "completions": [
            {
                "response": found["text"],
                "overall_score": float(found["score"]),
                "model": str(found.get("model", "")),
            }
            for found in ranked
        ],
    }


ULTRAFEEDBACK = ExportFormat(
    summary="Every answer with its score, best first, in the manner of UltraFeedback.",
    render=render,
    loads_with="datasets; scripts made for UltraFeedback",
    shapes=frozenset({"preference"}),
)
