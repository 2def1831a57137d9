"""What every part of a run knows: its folder, what it was asked, where it computes; and how it fails by name."""

from dataclasses import dataclass
from pathlib import Path

from app.catalog.training import Choice
from app.trainings.run import Failure, FailureCode, Hyperparameters, RunSpec
from workers.training.events import Journal


class RunFailed(Exception):
    """Ends the run with this failure."""

    def __init__(self, code: FailureCode, message: str, *, param: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.failure = Failure(code=code, message=message, param=param, line=line)


def no_memory_left(wrong: Exception) -> bool:
    """Whether this is how torch, CUDA or the system say that memory has run out."""
    said = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")
    return isinstance(wrong, MemoryError) or any(words in str(wrong).lower() for words in said)


@dataclass(frozen=True, slots=True)
class Run:
    """One run in its child process. `device` is `cpu` or `cuda`; `bf16`: what is not quantised computes in bfloat16."""

    folder: Path
    spec: RunSpec
    choice: Choice
    journal: Journal
    device: str
    bf16: bool

    @property
    def hyperparameters(self) -> Hyperparameters:
        return self.choice.hyperparameters

    @property
    def quantised(self) -> str:
        """How the frozen weights are kept: `none`, `nf4` or `int8`."""
        if self.choice.variant in ("qlora", "int8"):
            return "nf4" if self.choice.variant == "qlora" else "int8"
        return str(getattr(self.choice.variant_options, "base", "none"))

    @property
    def fragile(self) -> bool:
        """Whether a forward pass outside training would spoil the weights for training: see guard.py."""
        return self.device == "cpu" and self.quantised != "none"
