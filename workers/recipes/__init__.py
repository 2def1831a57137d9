"""One file is one dataset task, as ONE async function that reads top to bottom: Work -> Outcome."""

from collections.abc import Awaitable, Callable
from importlib import import_module

from app.domain import Dropped
from workers.recipes.work import Outcome, Work

__all__ = ["Outcome", "Recipe", "Repair", "Work", "own_repair", "recipe"]

Recipe = Callable[[Work], Awaitable[Outcome]]
Repair = Callable[[Work, tuple[Dropped, ...]], Awaitable[Outcome]]


def recipe(task: str) -> Recipe:
    """The recipe of a catalogue task: `workers.recipes.<task>.make`."""
    found: Recipe = import_module(f"workers.recipes.{task}").make
    return found


def own_repair(task: str) -> Repair | None:
    """How this task writes dropped rows anew (`workers.recipes.<task>.repair`); None: as rows of any task are."""
    found: Repair | None = getattr(import_module(f"workers.recipes.{task}"), "repair", None)
    return found
