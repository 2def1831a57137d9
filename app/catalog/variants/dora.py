"""LoRA that learns direction and magnitude of each weight apart."""

from app.catalog.training import QuantisableLoraOptions, TrainingVariant

DORA = TrainingVariant(
    summary="LoRA with the magnitude of each output learnt apart from its direction; slower by a half or more.",
    paper="arXiv 2402.09353",
    options=QuantisableLoraOptions,
)
