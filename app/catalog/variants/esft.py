"""Expert-specialised fine-tuning: of a mixture of experts, only those that the task is routed to."""

from typing import Literal

from pydantic import Field

from app.catalog.kinds import Options
from app.catalog.training import TrainingVariant


class EsftOptions(Options):
    """Which experts are chosen."""

    share: float = Field(default=0.2, gt=0, le=1, description="of the routing that the chosen experts must carry (p)")
    score: Literal["gate", "token"] = Field(default="token", description="mean gate weight, or share of routed tokens")
    rows: int = Field(default=256, ge=1, le=100_000, description="rows that are routed to find them")


ESFT = TrainingVariant(
    summary="Of a mixture-of-experts model only the experts that the task's rows are routed to are trained.",
    paper="arXiv 2407.01906",
    options=EsftOptions,
    rate=0.1,
    adapter=False,
    goes_on=False,
    refused=(
        (
            lambda choice: choice.method == "online_dpo",
            "each round goes on from the adapter of the one before, and whole weights are none",
        ),
        (
            lambda choice: choice.method == "reward",
            "a reward model has a new head, which ESFT leaves frozen",
        ),
        (
            lambda choice: choice.hyperparameters.optimizer != "adamw",
            "frozen experts share a tensor with trained ones; only torch's AdamW (`adamw`) can leave them out exactly",
        ),
    ),
)
