"""Which questions ask the same in other words: cosines of sentence embeddings, exact and block by block."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

BLOCK = 2048


def repeated(
    vectors: NDArray[np.float32],
    facts: Sequence[int],
    *,
    within: float,
    overall: float,
    alive: Callable[[], None] = lambda: None,
) -> list[tuple[int, int, float]]:
    """(row, the earlier kept row it repeats, cosine), by place, in order. `vectors`: unit, shape (rows, dimensions).

    A row is dropped if it is at least as similar as `within` to a kept row about the same fact (equal `facts`), or as
    `overall` to any kept row: paraphrases of one fact are worth training on, but not many of them (SemDeDup,
    arXiv 2303.09540, with the greedy rule of DEITA, arXiv 2312.15685). Every earlier row is compared, n^2 / 2 products
    in float32; memory is the vectors and one block of BLOCK x BLOCK. `alive` is called a block and may raise.
    """
    n, lowest, fact = len(vectors), min(within, overall), np.asarray(facts)
    dropped = np.zeros(n, dtype=bool)
    found = []
    for start in range(0, n, BLOCK):
        stop = min(n, start + BLOCK)
        close: dict[int, list[tuple[float, int]]] = {}
        for other in range(0, stop, BLOCK):
            alive()
            cosines = vectors[start:stop] @ vectors[other : min(stop, other + BLOCK)].T
            rows, columns = np.nonzero(cosines >= lowest)
            values = cosines[rows, columns]
            rows, columns = rows + start, columns + other
            counts = (columns < rows) & ~dropped[columns] & ((values >= overall) | (fact[rows] == fact[columns]))
            counts &= values >= np.where(fact[rows] == fact[columns], lowest, overall)
            for row, column, value in zip(rows[counts], columns[counts], values[counts], strict=True):
                close.setdefault(int(row), []).append((float(value), -int(column)))
        for row in sorted(close):
            kept = [pair for pair in close[row] if not dropped[-pair[1]]]
            if kept:
                cosine, earlier = max(kept)
                dropped[row] = True
                found.append((row, -earlier, round(cosine, 3)))
    return found
