"""Continued pre-training: a causal language model on plain text."""

from app.catalog.training import TrainingMethod

PRETRAIN = TrainingMethod(
    summary="Learns to continue plain text; every token carries loss.",
    rows=frozenset({"text"}),
    learning_rate=2e-4,
    defaults={"packing": True},
)
