"""All weights change."""

from app.catalog.training import TrainingVariant

FULL = TrainingVariant(
    summary="All weights change; 16 bytes of memory a weight, and whole weights to keep.",
    paper="arXiv 1711.05101 (AdamW)",
    rate=0.1,  # LoRA's best rate is about ten times that of full fine-tuning (LoRA Without Regret, 2025)
    adapter=False,
    goes_on=False,
    refused=(
        (
            lambda choice: choice.method == "online_dpo",
            "each round goes on from the adapter of the one before, and whole weights are none",
        ),
    ),
)
