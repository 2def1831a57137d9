"""Direct preference optimisation on pairs (arXiv 2305.18290)."""

from typing import Literal

from pydantic import Field

from app.catalog.kinds import Options
from app.catalog.training import TrainingMethod


class DpoOptions(Options):
    """How far the model may go from where it started."""

    beta: float = Field(default=0.1, gt=0, le=10, description="higher keeps closer to the starting model")
    reference: Literal["start", "base"] = Field(
        default="start", description="what it keeps close to: the model it starts from, or the base without any adapter"
    )
    sft_weight: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="of the chosen answers' own loss beside (arXiv 2404.19733): keeps them likely, and where they end",
    )


DPO = TrainingMethod(
    summary="Learns to prefer the chosen answer of a pair over the rejected one (DPO).",
    rows=frozenset({"pairs"}),
    learning_rate=5e-6,
    options=DpoOptions,
    defaults={"n_epochs": 1.0, "warmup_ratio": 0.1},
    openai="dpo",
)
