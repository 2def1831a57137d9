"""What can be chosen of a training: the method that says what is learnt, the variant that says which weights change."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from app.catalog.kinds import Options
from app.trainings.run import Hyperparameters

Rows = Literal["chat", "text", "pairs", "labelled", "prompts"]  # what a method reads: see docs/training.md


class NoOptions(Options):
    """Nothing to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingMethod:
    """What is learnt. `rows`: which row shapes it reads. `learning_rate`: its default for an adapter (LoRA).

    `defaults` are hyperparameters that differ from the general ones. `openai`: the method of that name in
    `POST /v1/fine_tuning/jobs` means this one.
    """

    summary: str
    rows: frozenset[Rows]
    learning_rate: float
    options: type[Options] = NoOptions
    defaults: dict[str, Any] = field(default_factory=dict)
    openai: Literal["supervised", "dpo"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One method with one variant, the options of both, and every hyperparameter; validated."""

    method: str
    variant: str
    method_options: Any
    variant_options: Any
    hyperparameters: Hyperparameters


Refusal = tuple[Callable[[Choice], bool], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingVariant:
    """Which weights change. `refused`: combinations that are refused, each with the reason.

    `rate`: the default learning rate is the method's times this. `adapter`: it writes a PEFT adapter, not whole
    weights. `goes_on`: an earlier run's adapter can be trained further with it. `paper`: what it follows.
    """

    summary: str
    paper: str
    options: type[Options] = NoOptions
    defaults: dict[str, Any] = field(default_factory=dict)
    rate: float = 1.0
    adapter: bool = True
    goes_on: bool = True
    refused: tuple[Refusal, ...] = ()

    def refusal(self, choice: Choice) -> str | None:
        """Why this choice is refused; None: it is not."""
        return next((why for applies, why in self.refused if applies(choice)), None)


class LoraOptions(Options):
    """The shape of a low-rank adapter (arXiv 2106.09685), on all linear layers unless told otherwise."""

    r: int | None = Field(default=None, ge=1, le=1024, description="rank; None: 16, or 64 above 50,000 rows")
    alpha: int = Field(default=32, ge=1, le=4096, description="scale; stays 32 while the rank varies")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="of the adapter's input")
    target_modules: list[str] | None = Field(
        default=None, min_length=1, max_length=100, description="names of layers; None: all linear ones but the head"
    )


Base = Literal["none", "nf4", "int8"]


class QuantisableLoraOptions(LoraOptions):
    """The same over a base model whose frozen weights may be quantised."""

    base: Base = Field(default="none", description="frozen weights as they are, in 4 bits (NF4) or in 8 bits")
