"""Unpaired preferences: every answer is a line of its own, with a label (KTO, arXiv 2402.01306)."""

from typing import Any

from app.catalog.kinds import ExportFormat
from app.catalog.pairs import Turns, pair
from app.domain import Sample


def render(sample: Sample) -> list[dict[str, Any]]:
    """A line for the chosen answer (true) and one for the rejected one (false).

    With all pairs of a ranking an answer may be the better one here and the worse one there. So that none gets both
    labels, those of the ranking's better half are only ever written as true, and the others as false.
    """
    found = pair(sample)
    better, worse = _halves(sample)
    ways: tuple[tuple[Turns, bool, bool], ...] = ((found.chosen, True, better), (found.rejected, False, worse))
    return [{"prompt": found.prompt, "completion": way, "label": label} for way, label, fits in ways if fits]


def _halves(sample: Sample) -> tuple[bool, bool]:
    """Does the chosen answer score above the mean of all that were ranked, and the rejected one below it?"""
    scores = [float(one["score"]) for one in sample.attributes.get("candidates", ())]
    ours = sample.attributes.get("scores")
    if len(scores) < 3 or not ours:
        return True, True
    middle = sum(scores) / len(scores)
    return ours["chosen"] > middle, ours["rejected"] < middle


KTO = ExportFormat(
    summary="Unpaired preferences: an answer a line, with a label.",
    render=render,
    loads_with="TRL KTOTrainer",
    shapes=frozenset({"preference", "trajectories"}),
    once=True,
)
