"""A low-rank adapter on all linear layers."""

from app.catalog.training import QuantisableLoraOptions, TrainingVariant

LORA = TrainingVariant(
    summary="A low-rank adapter on all linear layers, over frozen weights.",
    paper="arXiv 2106.09685",
    options=QuantisableLoraOptions,
)
