"""A reward model: one number for an answer, learnt from pairs (Bradley-Terry)."""

from app.catalog.training import TrainingMethod

REWARD = TrainingMethod(
    summary="Learns one score for an answer, higher for the chosen one of a pair (reward model).",
    rows=frozenset({"pairs"}),
    learning_rate=1e-4,
    defaults={"n_epochs": 1.0},
)
