"""Interval arithmetic over characters of documents: unions, covered shares, evenness. Pure; workers use it too.

An interval is (start, end), half-open, in characters of one document's stored text.
"""

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

Interval = tuple[int, int]
Key = TypeVar("Key", bound=Hashable)


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same characters as intervals that are in order, apart and not empty. O(n log n)."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def covered(merged: Sequence[Interval], start: int, end: int) -> int:
    """How many characters of [start, end) lie in `merged`, which is a union. O(log n + those that overlap)."""
    total = 0
    at = max(0, bisect_right(merged, (start, start)) - 1)
    while at < len(merged) and merged[at][0] < end:
        total += max(0, min(end, merged[at][1]) - max(start, merged[at][0]))
        at += 1
    return total


def gini(amounts: Sequence[float], sizes: Sequence[float]) -> float | None:
    """How unevenly `amounts` lie over parts of these `sizes`: 0 is the same per unit of size everywhere, 1 all in one.

    The Gini coefficient of amount / size, each part weighted by its size (Lorenz curve by trapezia; Gini 1912,
    weighted as in Lerman and Yitzhaki 1989). Parts without size are left out. None where there is nothing.
    """
    parts = sorted((amount / size, amount, size) for amount, size in zip(amounts, sizes, strict=True) if size > 0)
    whole, total = sum(part[1] for part in parts), sum(part[2] for part in parts)
    if not whole:
        return None
    area = seen = 0.0
    for _, amount, size in parts:
        area += size / total * (2 * seen + amount) / whole
        seen += amount
    return max(0.0, 1.0 - area)
