"""LoRA whose ranks are given to the layers that need them, while it trains."""

from typing import Self

from pydantic import Field, model_validator

from app.catalog.training import QuantisableLoraOptions, TrainingVariant


class AdaloraOptions(QuantisableLoraOptions):
    """The average rank at the end is `r`; it begins at `initial_r`."""

    initial_r: int | None = Field(default=None, ge=1, le=1024, description="rank at the start; None: 1.5 times r")
    warmup_share: float = Field(default=0.2, ge=0, lt=1, description="of the steps before ranks are cut")
    final_share: float = Field(default=0.3, ge=0, lt=1, description="of the steps after the last cut")
    every: int = Field(default=1, ge=1, description="steps between cuts")

    @model_validator(mode="after")
    def _some_steps_are_left(self) -> Self:
        if self.warmup_share + self.final_share >= 1:
            raise ValueError("warmup_share and final_share leave no step in which ranks are cut")
        if self.initial_r is not None and self.initial_r <= (self.r or 16):
            raise ValueError("initial_r is not above r: there is nothing to cut")
        return self


ADALORA = TrainingVariant(
    summary="LoRA that cuts the ranks of layers that need them least, while it trains.",
    paper="arXiv 2303.10512",
    options=AdaloraOptions,
    goes_on=False,  # what it leaves is plain LoRA
    rate=5.0,  # begins at zero singular values and learns slowly; the paper trains at 5e-4 to 2e-3
    refused=(
        (
            lambda choice: choice.method == "online_dpo",
            "AdaLoRA spreads its rank cuts over one run of known length; online_dpo is several",
        ),
    ),
)
