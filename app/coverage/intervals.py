"""Interval arithmetic over characters of documents: unions, covered shares, evenness. Pure; workers use it too.

An interval is (start, end), half-open, in characters of one document's stored text.
"""

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
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


def share_covered(pieces: Iterable[tuple[str, int, int]], cited: Mapping[str, Sequence[Interval]]) -> float:
    """Which share (0 to 1) of the characters of `pieces` (document, start, end) lies in `cited`: unions by document.

    Pieces that overlap count twice, in both numbers; no pieces, or empty ones, count as covered: 1.
    """
    whole = found = 0
    for document, start, end in pieces:
        whole += max(0, end - start)
        found += covered(cited.get(document, ()), start, end)
    return found / whole if whole else 1.0


def least_covered(
    contexts: Mapping[Key, Sequence[tuple[str, int, int]]], cited: Mapping[str, Iterable[Interval]]
) -> list[tuple[Key, float]]:
    """Contexts (each its pieces: document, start, end) with the share that is cited already, least first.

    `cited`: the sources of accepted rows by document, in any order. Contexts of one share stay in the order given.
    """
    unions = {document: union(spans) for document, spans in cited.items()}
    shares = [(key, share_covered(pieces, unions)) for key, pieces in contexts.items()]
    return sorted(shares, key=lambda found: found[1])


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
