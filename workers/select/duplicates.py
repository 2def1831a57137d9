"""Which rows repeat another: the same words exactly, or nearly (MinHash)."""

import re
from collections.abc import Iterable, Iterator

from rensa import RMinHash, RMinHashLSH

PERMUTATIONS = 128
BANDS = 16
_WORD = re.compile(r"\w+")


def normal(text: str) -> str:
    """Lower case words alone: what two texts that differ in punctuation have in common."""
    return " ".join(_WORD.findall(text.lower()))


def repeated(rows: Iterable[tuple[int, str]], threshold: float) -> Iterator[tuple[int, int, float]]:
    """(row, the earlier row it repeats, similarity) in order. Rows are (id, text); similarity 1.0 is exact.

    Near copies are found by MinHash over word 3-grams (128 permutations, 16 bands) and confirmed by the estimated
    Jaccard similarity, which must reach `threshold`.
    """
    exact: dict[str, int] = {}
    lsh = RMinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, num_bands=BANDS)
    hashes: dict[int, RMinHash] = {}
    for row, text in rows:
        words = normal(text)
        if words in exact:
            yield row, exact[words], 1.0
            continue
        exact[words] = row
        mine = RMinHash(num_perm=PERMUTATIONS, seed=7)
        mine.update(_shingles(words))
        near = [(mine.jaccard(hashes[other]), other) for other in lsh.query(mine)]
        best = max(near, default=(0.0, -1))
        if best[0] >= threshold:
            yield row, best[1], round(best[0], 3)
            continue
        lsh.insert(row, mine)
        hashes[row] = mine


def _shingles(words: str) -> list[str]:
    split = words.split()
    return [" ".join(split[i : i + 3]) for i in range(max(1, len(split) - 2))]
