"""Fact clusters: rows that belong on the same side of a split, and which clusters are held out."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int, int]  # document, start, end


class Unions:
    """Union-find over 0..n-1, with path halving; the root of a set is its smallest member."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def root(self, at: int) -> int:
        parent = self._parent
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    def unite(self, one: int, other: int) -> None:
        one, other = self.root(one), self.root(other)
        self._parent[max(one, other)] = min(one, other)

    def unite_all(self, pairs: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> None:
        for left, right in pairs:
            for one, other in zip(left.tolist(), right.tolist(), strict=True):
                self.unite(one, other)

    def roots(self) -> list[int]:
        return [self.root(at) for at in range(len(self._parent))]


def same(keys: Sequence[Iterable[object]]) -> Iterator[tuple[int, int]]:
    """Pairs of places that have a key in common, enough of them to connect all that have."""
    first: dict[object, int] = {}
    for at, mine in enumerate(keys):
        for key in mine:
            if (other := first.setdefault(key, at)) != at:
                yield other, at


def overlapping(spans: Sequence[Sequence[Span]]) -> Iterator[tuple[int, int]]:
    """Pairs of rows whose source spans share a character, enough of them to connect all that do."""
    flat = sorted((document, start, end, at) for at, mine in enumerate(spans) for document, start, end in mine)
    document, reach, last = -1, -1, -1
    for here, start, end, at in flat:
        if here == document and start < reach:
            yield last, at
            reach = max(reach, end)
        else:
            document, reach = here, end
        last = at


def held_out(
    roots: Sequence[int], contexts: Sequence[int], digests: Sequence[bytes], share: float, seed: int
) -> set[int]:
    """The roots of the clusters that become validation: whole ones, up to `share` of the contexts, rounded down.

    They are taken in an order that depends on the seed and on the rows' own words (`digests`) and on nothing else.
    A cluster that does not fit into what is left is passed over.
    """
    members: dict[int, set[int]] = {}
    names: dict[int, bytes] = {}
    for root, context, digest in zip(roots, contexts, digests, strict=True):
        members.setdefault(root, set()).add(context)
        names[root] = min(names.get(root, digest), digest)
    room = int(len(set(contexts)) * share)
    chosen = set()
    for root in sorted(names, key=lambda root: hashlib.sha256(f"{seed}|".encode() + names[root]).digest()):
        if len(members[root]) <= room:
            room -= len(members[root])
            chosen.add(root)
    return chosen
