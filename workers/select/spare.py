"""Which rows can best be spared: of documents and groups that have too many, and beyond the number that is wanted."""

from collections import Counter
from collections.abc import Hashable, Sequence
from statistics import median_low


def ranks(contexts: Sequence[Hashable]) -> list[int]:
    """For each row, in order, the how-manieth of its context it is: rows of high rank can be spared first."""
    seen: Counter[Hashable] = Counter()
    found = []
    for context in contexts:
        seen[context] += 1
        found.append(seen[context])
    return found


def surplus(contexts: Sequence[Hashable], count: int) -> list[int]:
    """The places of `count` rows: from contexts that have the most rows, the latest there first."""
    rank = ranks(contexts)
    return sorted(range(len(contexts)), key=lambda at: (-rank[at], -at))[: max(0, count)]


def over(groups: Sequence[Hashable], contexts: Sequence[Hashable], level: int) -> list[int]:
    """The places of rows beyond `level` in their group; in each group the surplus goes first."""
    rank, sizes, found = ranks(contexts), Counter(groups), []
    for at in sorted(range(len(groups)), key=lambda at: (-rank[at], -at)):
        if sizes[groups[at]] > level:
            sizes[groups[at]] -= 1
            found.append(at)
    return found


def level(groups: Sequence[Hashable], wanted: int | None) -> int | None:
    """How many rows a group may keep so that groups are even; None: all.

    With `wanted` rows, the lowest level that still gives as many (balance never costs a row that is wanted); without,
    the size of the median group, of two middle ones the smaller.
    """
    sizes = sorted(Counter(groups).values())
    if not sizes or (wanted and len(groups) <= wanted):
        return None
    if not wanted:
        return median_low(sizes)
    low, high = 1, sizes[-1]
    while low < high:
        middle = (low + high) // 2
        if sum(min(size, middle) for size in sizes) >= wanted:
            high = middle
        else:
            low = middle + 1
    return low
