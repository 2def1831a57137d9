"""What a recipe is given, and what it gives back."""

import random
from dataclasses import dataclass, field
from typing import Any

from app import prompts
from app.domain import Context, Dropped, Sample
from app.llm.protocol import Model


@dataclass(frozen=True, slots=True)
class Work:
    """One unit: a context, the task's options, the gates, and the language to write in. No database, no clock.

    `seed` (the dataset's, the round, what the context holds) is all the randomness there is, so that a second run of
    the unit makes the same calls and replays them.
    `avoid` holds questions asked about this context in earlier rounds, kept or dropped; `seeds` are the user's own
    questions that belong to it. `place` numbers the units of a dataset, so that shares of the whole can be kept;
    `round` is how often the context was used before.
    """

    task: str
    context: Context
    options: dict[str, Any]
    gates: dict[str, float]
    language: str
    seed: str
    model: Model
    models: dict[str, str]
    avoid: tuple[str, ...] = ()
    seeds: tuple[str, ...] = ()
    place: int = 0
    round: int = 0

    def lineage(self, refs: tuple[str, ...]) -> dict[str, Any]:
        """How a row came about: the exact prompts (id and hash; sampling parameters are in them) and the models."""
        return {"prompts": {ref: prompts.load(ref).sha256 for ref in refs}, "models": self.models}

    def fixed_random(self, *purpose: object) -> random.Random:
        """One that is the same in every round over the context: for an order that later rounds go on with."""
        dataset, _, held = self.seed.split("|", 2)
        return random.Random(f"{dataset}|{held}|{'|'.join(map(str, purpose))}")

    def random(self, *purpose: object) -> random.Random:
        """A generator of its own for each purpose, so that adding one draw changes no other."""
        return random.Random(f"{self.seed}|{'|'.join(map(str, purpose))}")


@dataclass(slots=True)
class Outcome:
    """Rows kept and rows dropped; nothing vanishes."""

    kept: list[Sample] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)

    def add(self, row: Sample | Dropped) -> None:
        if isinstance(row, Sample):
            self.kept.append(row)
        else:
            self.dropped.append(row)

    def sort(self) -> "Outcome":
        """By what the rows say, not by the order in which replies happened to come; itself."""
        self.kept.sort(key=lambda row: (row.kind, row.question, row.answer))
        self.dropped.sort(key=lambda row: (row.kind, row.question, row.answer, row.reason, row.detail))
        return self
