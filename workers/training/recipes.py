"""One module a method; each has `build(run)`, which gives its trainer over the run's rows."""

from importlib import import_module
from typing import Any, Protocol

from workers.training.run import Run


class Recipe(Protocol):
    def build(self, run: Run) -> Any:
        """The trainer: a Recoverable one, ready to train and to evaluate."""


def recipe(method: str) -> Recipe:
    """The recipe of a method of the catalogue."""
    return import_module(f"workers.training.{method}")
