"""One file is one dataset task, as ONE async function that reads top to bottom: Work -> Outcome."""

from collections.abc import Awaitable, Callable
from importlib import import_module

from workers.recipes.work import Outcome, Work

__all__ = ["Outcome", "Recipe", "Work", "recipe"]

Recipe = Callable[[Work], Awaitable[Outcome]]


def recipe(task: str) -> Recipe:
    """The recipe of a catalogue task: `workers.recipes.<task>.make`."""
    found: Recipe = import_module(f"workers.recipes.{task}").make
    return found
