"""LoRA scaled by the root of its rank, so that high ranks learn."""

from app.catalog.training import QuantisableLoraOptions, TrainingVariant

RSLORA = TrainingVariant(
    summary="LoRA scaled by alpha over the root of the rank: high ranks go on learning.",
    paper="arXiv 2312.03732",
    options=QuantisableLoraOptions,
    rate=0.25,  # its scale at rank 16 is four times LoRA's
)
