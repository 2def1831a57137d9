"""Count preference pairs: verdicts that flip with the order, margins, and the lengths of either side."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from app.catalog.pairs import lengths
from app.reports.counting import Split
from app.reports.schemas import Bin, Preferences

# What a pair can be dropped for as a pair, whichever text it holds.
REASONS = ("order_flip", "tie", "small_margin", "chosen_not_faithful", "unfaithful_preferred", "length_bias")


@dataclass(slots=True)
class Side:
    """Characters on both sides of some rows, in sum."""

    rows: int = 0
    chosen: int = 0
    rejected: int = 0
    longer: int = 0

    def add(self, chosen: int, rejected: int) -> None:
        self.rows += 1
        self.chosen += chosen
        self.rejected += rejected
        self.longer += chosen > rejected

    @property
    def gap(self) -> float | None:
        """By which share the longer mean exceeds the shorter one."""
        shorter = max(1, min(self.chosen, self.rejected))
        return round(abs(self.chosen - self.rejected) / shorter, 4) if self.rows else None

    def mean(self, characters: int) -> float | None:
        """So many characters by row."""
        return round(characters / self.rows, 1) if self.rows else None


@dataclass(slots=True)
class Pairs:
    """What is counted of all rows that are pairs."""

    pairs: int = 0
    compared: int = 0
    flipped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    margins: Split = field(default_factory=Split)
    kept: Side = field(default_factory=Side)
    before: Side = field(default_factory=Side)

    def add(self, answer: str, attributes: dict[str, Any], dropped: str | None) -> None:
        """Count a row, whatever it is; `dropped`: for which reason."""
        if (both := lengths(answer, attributes)) is None:
            return
        self.pairs += 1
        self.compared += attributes.get("compared", 0)
        self.flipped += attributes.get("flipped", 0)
        if margins := attributes.get("margins"):
            self.margins.add(min(margins), dropped is None)
        if dropped in REASONS:
            self.reasons[dropped] += 1
        if dropped is None:
            self.kept.add(*both)
        if dropped in (None, "length_bias"):
            self.before.add(*both)

    def read(self) -> Preferences | None:
        """As the report has it; None where no row is a pair."""
        if not self.pairs:
            return None
        kept = self.kept
        return Preferences(
            pairs=self.pairs,
            compared=self.compared,
            flipped=self.flipped,
            flip_rate=round(self.flipped / self.compared, 4) if self.compared else None,
            dropped={reason: self.reasons[reason] for reason in REASONS if self.reasons[reason]},
            margins=[Bin(**found._asdict()) for found in self.margins.bins()],
            chosen_characters=kept.mean(kept.chosen),
            rejected_characters=kept.mean(kept.rejected),
            length_gap=kept.gap,
            length_gap_before=self.before.gap,
            chosen_longer=round(kept.longer / kept.rows, 4) if kept.rows else None,
        )
