"""LoRA with a higher learning rate for its second matrix."""

from pydantic import Field

from app.catalog.training import QuantisableLoraOptions, TrainingVariant


class LoraplusOptions(QuantisableLoraOptions):
    """How much faster the second matrix learns."""

    ratio: float = Field(default=16.0, ge=1, le=1000, description="learning rate of B over that of A")


LORAPLUS = TrainingVariant(
    summary="LoRA whose matrix B learns at a higher rate than A (LoRA+).",
    paper="arXiv 2402.12354",
    options=LoraplusOptions,
    rate=0.25,
)
