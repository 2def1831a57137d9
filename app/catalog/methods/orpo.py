"""Odds-ratio preference optimisation: no reference model, the chosen answer is learnt as well (arXiv 2403.07691)."""

from pydantic import Field

from app.catalog.kinds import Options
from app.catalog.training import TrainingMethod


class OrpoOptions(Options):
    """The weight of preference against plain learning."""

    beta: float = Field(default=0.1, gt=0, le=10, description="weight of the odds ratio (lambda in the paper)")


ORPO = TrainingMethod(
    summary="Learns the chosen answer and to prefer it, in one pass and without a reference model (ORPO).",
    rows=frozenset({"pairs"}),
    learning_rate=5e-5,
    options=OrpoOptions,
    defaults={"n_epochs": 1.0, "warmup_ratio": 0.1},
)
