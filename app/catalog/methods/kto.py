"""Kahneman-Tversky optimisation on single answers with a label (arXiv 2402.01306)."""

from pydantic import Field

from app.catalog.kinds import Options
from app.catalog.training import TrainingMethod


class KtoOptions(Options):
    """How far the model may go, and what a good and a bad answer weigh."""

    beta: float = Field(default=0.1, gt=0, le=10, description="higher keeps closer to the starting model")
    desirable_weight: float = Field(default=1.0, gt=0, le=100, description="of answers labelled true")
    undesirable_weight: float = Field(default=1.0, gt=0, le=100, description="of answers labelled false")


KTO = TrainingMethod(
    summary="Learns from single answers, each labelled good or bad; pairs are read as one of each (KTO).",
    rows=frozenset({"labelled", "pairs"}),
    learning_rate=5e-6,
    options=KtoOptions,
    defaults={"n_epochs": 1.0, "warmup_ratio": 0.1, "micro_batch_size": 4},
)
