"""A low-rank adapter over weights kept in 4 bits."""

from pydantic import Field

from app.catalog.training import LoraOptions, TrainingVariant


class QloraOptions(LoraOptions):
    """An adapter over 4-bit weights."""

    double_quantisation: bool = Field(default=True, description="the scales are quantised too: 0.4 bit a weight less")


QLORA = TrainingVariant(
    summary="A low-rank adapter over frozen weights in 4 bits (NF4, double quantisation).",
    paper="arXiv 2305.14314",
    options=QloraOptions,
    defaults={"optimizer": "paged_adamw_8bit"},
)
