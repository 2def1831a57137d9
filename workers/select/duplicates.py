"""Which rows repeat an earlier one: the same words exactly, or nearly (MinHash)."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash, RMinHashLSH

from workers.select.words import shingles, words

PERMUTATIONS = 128
BANDS = 16  # of 8: a pair of similarity 0.85 meets in one of them with probability 0.99, one of 0.5 with 0.06
SEED = 7
AT_ONCE = 2000


class Seen:
    """Rows kept so far. Memory: about 2 kB a row, of which 0.5 kB is the signature; with threshold 1 some 0.2 kB."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._exact: dict[bytes, int] = {}
        self._lsh = RMinHashLSH(threshold=min(threshold, 0.999), num_perm=PERMUTATIONS, num_bands=BANDS)
        self._signatures: dict[int, RMinHash] = {}

    def repeats(self, rows: Sequence[tuple[int, list[str]]]) -> Iterator[tuple[int, float] | None]:
        """For each of the (id, words), in order: the kept row it repeats and how similar that is; None: it is kept.

        1.0 is the same words. Near copies share a band of their MinHash over word 3-grams (128 permutations, 16
        bands of 8), and the Jaccard similarity estimated from it reaches `threshold`. Broder 1997; LSH banding as
        in Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", ch. 3.
        """
        near = self.threshold < 1
        signatures = RMinHash.from_token_sets([shingles(w) for _, w in rows], PERMUTATIONS, SEED) if near else ()
        for at, (row, split) in enumerate(rows):
            key = blake2b(" ".join(split).encode(), digest_size=16).digest()
            if (same := self._exact.setdefault(key, row)) != row:
                yield same, 1.0
                continue
            found = self._nearest(signatures[at]) if near else None
            if found is None and near:
                self._lsh.insert(row, signatures[at])
                self._signatures[row] = signatures[at]
            yield found

    def _nearest(self, mine: RMinHash) -> tuple[int, float] | None:
        close = [(mine.jaccard(self._signatures[other]), -other) for other in self._lsh.query(mine)]
        similarity, other = max(close, default=(0.0, 0))
        return (-other, round(similarity, 3)) if similarity >= self.threshold else None


class Known:
    """Rows that were seen before those of a dataset are looked at, and whose they are."""

    def __init__(self, threshold: float) -> None:
        self.seen = Seen(threshold)
        self._owners: dict[int, str] = {}

    def add(self, dataset_id: str, rows: Sequence[tuple[int, list[str]]]) -> None:
        """These rows of another dataset, as (id, words)."""
        for _ in self.seen.repeats(rows):
            pass
        self._owners |= {row: dataset_id for row, _ in rows}

    def whose(self, row: int) -> str:
        """Words for a detail: of which other dataset the row is, or none if it is of this one."""
        return f" of dataset {self._owners[row]}" if row in self._owners else ""


def repeated(rows: Iterable[tuple[int, str]], threshold: float) -> Iterator[tuple[int, int, float]]:
    """(row, the earlier row it repeats, similarity) in order. Rows are (id, text)."""
    seen, pending = Seen(threshold), []
    for row, text in rows:
        pending.append((row, words(text)))
        if len(pending) == AT_ONCE:
            yield from _flush(seen, pending)
            pending = []
    yield from _flush(seen, pending)


def _flush(seen: Seen, rows: list[tuple[int, list[str]]]) -> Iterator[tuple[int, int, float]]:
    for (row, _), found in zip(rows, seen.repeats(rows), strict=True):
        if found:
            yield row, *found


def hashes(splits: Iterable[list[str]]) -> list[NDArray[np.uint64]]:
    """The distinct word 3-grams of each text as sorted 64-bit hashes, the same in every process."""
    return [np.unique(np.array(h, dtype=np.uint64)) for h in RMinHash.hash_token_sets([shingles(s) for s in splits])]
