"""0 when question or answer repeat the instructions of the prompts that made them, or their markup; else 1."""

from app.catalog.kinds import Metric

ECHO = Metric(
    summary="0 when question or answer repeat the instructions of the prompts that made them, or their markup; else 1.",
    low=0.0,
    high=1.0,
    threshold=1.0,
    reason="copied_prompt",
)
