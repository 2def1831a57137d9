"""Supervised fine-tuning: the loss is on what the assistant says, nothing else."""

from app.catalog.training import TrainingMethod

SFT = TrainingMethod(
    summary="Learns to say what the assistant's turns say; the prompt carries no loss.",
    rows=frozenset({"chat"}),
    learning_rate=2e-4,
    openai="supervised",
)
