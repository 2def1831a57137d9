"""LoRA that begins at the principal singular directions of the weights."""

from pydantic import Field

from app.catalog.training import QuantisableLoraOptions, TrainingVariant


class PissaOptions(QuantisableLoraOptions):
    """How the singular directions are found."""

    iterations: int = Field(default=16, ge=1, le=64, description="of the fast decomposition")


PISSA = TrainingVariant(
    summary="LoRA that begins at the principal singular directions, with the rest of the weights frozen.",
    paper="arXiv 2404.02948",
    options=PissaOptions,
    goes_on=False,  # what it leaves is plain LoRA
    refused=(
        (
            lambda choice: choice.variant_options.base != "none",
            "PiSSA takes the weights apart before training, and quantised weights cannot be taken apart; "
            "use base `none`, or qlora",
        ),
        (
            lambda choice: choice.method in ("dpo", "kto", "online_dpo"),
            "the reference model is the base without its adapter, and PiSSA moves a part of the base into the adapter",
        ),
    ),
)
