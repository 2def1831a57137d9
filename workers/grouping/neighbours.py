"""Chunks that belong with a seed: alike by meaning or sharing an entity, but no copies of it or of one another."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.grouping.candidate import Candidate
from workers.grouping.entities import Links

Vectors = Callable[[list[str]], NDArray[np.float32]]

NEAREST = 64  # by similarity, that one seed chooses among
BLOCK = 256  # seeds compared at once: BLOCK x chunks floats are held, never chunks x chunks
COPY = 0.8  # two chunks with so many of their words in common (Jaccard) say the same
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Rules:
    """See `app.datasets.schemas.Grouping`. `others`: how many chunks a context has besides its seed, at most."""

    others: int
    min_similarity: float
    max_similarity: float
    diversity: float
    cross_document: bool


class Neighbourhood:
    """The edges among `usable` chunks (places in `chunks`). `vectors` None: no similarity edges, no embeddings.

    Cost: similarities are a product of seeds x candidates x dimensions, in blocks; with `cross_document` the candidates
    are all chunks (100,000 chunks of 384 dimensions: 8e12 operations, some minutes on a few cores, 0.3 GB), without it
    those of the same document. Entity links are found by lists of places, at most 50 long.
    """

    def __init__(
        self, chunks: Sequence[Candidate], usable: Sequence[int], rules: Rules, vectors: Vectors | None, entities: bool
    ) -> None:
        self.chunks, self.usable, self.rules = chunks, dict.fromkeys(usable), rules
        self.matrix = vectors([chunk.text for chunk in chunks]) if vectors else None
        self.links = Links(chunks) if entities else None
        self.words: dict[int, frozenset[str]] = {}

    def of(self, seeds: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
        """(seed, its neighbours in the order chosen), for each seed, not in the order given."""
        for block, near in self._blocks(seeds):
            for row, similar in zip(block, near, strict=True):
                yield row, self._choose(row, similar)

    def _blocks(self, seeds: Sequence[int]) -> Iterator[tuple[list[int], list[dict[int, float]]]]:
        """Seeds and their nearest usable chunks with similarities, a block at a time."""
        pools: dict[str, list[int]] = defaultdict(list)
        for place in self.usable:
            pools["" if self.rules.cross_document else self.chunks[place].document].append(place)
        rows: dict[str, list[int]] = defaultdict(list)
        for row in seeds:
            rows["" if self.rules.cross_document else self.chunks[row].document].append(row)
        for key, wanted in rows.items():
            for i in range(0, len(wanted), BLOCK):
                block = wanted[i : i + BLOCK]
                yield block, self._nearest(block, pools[key])

    def _nearest(self, block: list[int], pool: list[int]) -> list[dict[int, float]]:
        if self.matrix is None or not pool:
            return [{} for _ in block]
        similarity = self.matrix[block] @ self.matrix[pool].T
        similarity[(similarity < self.rules.min_similarity) | (similarity > self.rules.max_similarity)] = -2.0
        keep = min(NEAREST, len(pool))
        best = np.argpartition(-similarity, keep - 1, axis=1)[:, :keep]
        return [
            {pool[j]: float(values[j]) for j in sorted(map(int, places)) if values[j] > -2.0 and pool[j] != row}
            for row, values, places in zip(block, similarity, best, strict=True)
        ]

    def _choose(self, row: int, similar: dict[int, float]) -> list[int]:
        related = dict(similar)
        for place, strength in self._linked(row).items():
            related[place] = max(related.get(place, 0.0), strength)
        left = [place for place in sorted(related) if not self._copies(row, place)]
        chosen: list[int] = []
        while left and len(chosen) < self.rules.others:
            pick = self._best(row, left, related, chosen)
            chosen.append(pick)
            left = [place for place in left if place != pick and not self._copies(pick, place)]
        return chosen

    def _linked(self, row: int) -> dict[int, float]:
        if self.links is None:
            return {}
        home = self.chunks[row].document
        return {
            place: strength
            for place, strength in self.links.to(row).items()
            if place in self.usable and (self.rules.cross_document or self.chunks[place].document == home)
        }

    def _best(self, row: int, left: list[int], related: dict[int, float], chosen: list[int]) -> int:
        """Maximal marginal relevance (Carbonell and Goldstein, 1998): near the seed, far from those chosen already.

        Across documents the first choice comes from another document, where one is linked.
        """
        among = left
        if self.rules.cross_document and not chosen:
            home = self.chunks[row].document
            among = [place for place in left if self.chunks[place].document != home] or left
        diversity = self.rules.diversity

        def value(place: int) -> float:
            nearest = max(self._alike(place, taken) for taken in (row, *chosen))
            return (1 - diversity) * related[place] - diversity * nearest

        return max(among, key=lambda place: (round(value(place), 6), -place))

    def _alike(self, one: int, other: int) -> float:
        """Cosine where there are embeddings, else the share of words in common."""
        if self.matrix is not None:
            return float(self.matrix[one] @ self.matrix[other])
        return self._overlap(one, other)

    def _copies(self, one: int, other: int) -> bool:
        near = self.matrix is not None and float(self.matrix[one] @ self.matrix[other]) > self.rules.max_similarity
        return near or self._overlap(one, other) >= COPY

    def _overlap(self, one: int, other: int) -> float:
        first, second = self._words(one), self._words(other)
        return len(first & second) / max(1, len(first | second))

    def _words(self, place: int) -> frozenset[str]:
        if place not in self.words:
            self.words[place] = frozenset(_WORD.findall(self.chunks[place].text.casefold()))
        return self.words[place]
