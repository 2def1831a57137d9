"""Counts, percentiles and histograms of values of which only the counts are kept."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, isfinite
from typing import NamedTuple

BARS = 20
GRADES = 12  # so few different values get a bar each
MOST = 200  # different words of one kind; what comes later is counted together
OTHER = "(other)"
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)


class Bin(NamedTuple):
    """Values from `low` up to `high` (the last bin's included); a bin of one value has low == high."""

    low: float
    high: float
    accepted: int
    dropped: int


@dataclass(slots=True)
class Split:
    """How many accepted and how many dropped rows have a value."""

    accepted: Counter[float] = field(default_factory=Counter)
    dropped: Counter[float] = field(default_factory=Counter)

    def add(self, value: float, accepted: bool) -> None:
        """Count a value to three decimals; what is no number is left out."""
        if isfinite(value):
            (self.accepted if accepted else self.dropped)[round(value, 3)] += 1

    def bins(self, low: float | None = None, high: float | None = None) -> list[Bin]:
        """A bar for each value if they are few, else about BARS of one width over [low, high] and all values seen."""
        values = sorted({*self.accepted, *self.dropped})
        if not values:
            return []
        if len(values) <= GRADES:
            return [Bin(value, value, self.accepted[value], self.dropped[value]) for value in values]
        first = values[0] if low is None else min(low, values[0])
        last = values[-1] if high is None else max(high, values[-1])
        width, bars = (last - first) / BARS, BARS
        if all(value == int(value) for value in (first, *values)) and last - first < 50 * BARS:
            # Whole numbers in bars of whole numbers, or some bars would hold one more of them than others.
            width = ceil(width + 1 / BARS)
            bars = int((last - first) // width) + 1
        counts = [[0, 0] for _ in range(bars)]
        for which, counter in enumerate((self.accepted, self.dropped)):
            for value, n in counter.items():
                counts[min(bars - 1, int((value - first) / width))][which] += n
        return [Bin(first + i * width, first + (i + 1) * width, *pair) for i, pair in enumerate(counts)]


@dataclass(slots=True)
class Words:
    """Accepted and dropped rows by a word: a kind, an operator, a value of an attribute."""

    counts: dict[str, list[int]] = field(default_factory=dict)

    def add(self, word: str, accepted: bool) -> None:
        if word not in self.counts and len(self.counts) >= MOST:
            word = OTHER
        self.counts.setdefault(word, [0, 0])[0 if accepted else 1] += 1

    def most_first(self) -> list[tuple[str, int, int]]:
        """(word, accepted, dropped); by value where all words are numbers."""
        rows = [(word, kept, lost) for word, (kept, lost) in self.counts.items()]
        if all(_NUMBER.fullmatch(word) for word in self.counts):
            return sorted(rows, key=lambda row: float(row[0]))
        return sorted(rows, key=lambda row: (-row[1] - row[2], row[0]))


def percentile(counts: Mapping[float, int], share: float) -> float | None:
    """The least value that `share` of all values do not exceed (nearest rank), or None where there are none."""
    total = sum(counts.values())
    if not total:
        return None
    left = max(1, ceil(share * total))
    for value in sorted(counts):
        left -= counts[value]
        if left <= 0:
            return value
    raise AssertionError("the counts add up to their total")


def mean(counts: Mapping[float, int]) -> float | None:
    """The arithmetic mean, or None."""
    total = sum(counts.values())
    return sum(value * n for value, n in counts.items()) / total if total else None


def every_nth(total: int, most: int) -> int:
    """The distance at which an even sample of `total` things has at most `most` of them."""
    return max(1, ceil(total / most))


def merged(counters: Iterable[Mapping[float, int]]) -> Counter[float]:
    """The sum of several counts."""
    found: Counter[float] = Counter()
    for counter in counters:
        found.update(counter)
    return found
