"""A low-rank adapter over weights kept in 8 bits."""

from app.catalog.training import LoraOptions, TrainingVariant

INT8 = TrainingVariant(
    summary="A low-rank adapter over frozen weights in 8 bits.",
    paper="arXiv 2208.07339",
    options=LoraOptions,
)
