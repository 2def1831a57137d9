"""Shared random matrices, and two small vectors a layer that are learnt."""

from pydantic import Field

from app.catalog.kinds import Options
from app.catalog.training import Base, TrainingVariant


class VeraOptions(Options):
    """The shared matrices."""

    r: int = Field(default=256, ge=1, le=4096, description="rank of the shared random matrices")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="of the adapter's input")
    target_modules: list[str] | None = Field(
        default=None, min_length=1, max_length=100, description="names of layers; None: all linear ones but the head"
    )
    base: Base = Field(default="none", description="frozen weights as they are, in 4 bits (NF4) or in 8 bits")


VERA = TrainingVariant(
    summary="Two vectors a layer are learnt over random matrices that all layers share; ten times smaller than LoRA.",
    paper="arXiv 2310.11454",
    options=VeraOptions,
    rate=20.0,  # the paper trains at 1e-3 to 1e-2
    refused=(
        (
            lambda choice: choice.variant_options.base != "none",
            "VeRA's shared matrices stay in another precision than the vectors over quantised weights; use base `none`",
        ),
    ),
)
