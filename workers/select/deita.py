"""DEITA's selection (arXiv 2312.15685): the best rows first, and none that is like a row already chosen."""

import numpy as np
from numpy.typing import NDArray

SIMILAR = 0.9  # cosine, the paper's threshold


def choose(
    scores: NDArray[np.float64], vectors: NDArray[np.float32], wanted: int | None, similar: float = SIMILAR
) -> list[int]:
    """Indices of the rows kept, best first.

    `scores`, shape (n,), is complexity x quality. `vectors`, shape (n, d), are unit vectors. Rows are taken by falling
    score (equal ones in their order); one is kept if its cosine to every row kept before is below `similar`, until
    `wanted` are kept (None: all rows are looked at).
    """
    if len(scores) != len(vectors):
        raise ValueError(f"{len(scores)} scores for {len(vectors)} vectors")
    limit = len(scores) if wanted is None else min(wanted, len(scores))
    kept: list[int] = []
    chosen = np.empty((limit, vectors.shape[1] if vectors.ndim == 2 else 0), dtype=np.float32)
    for index in np.argsort(-np.asarray(scores), kind="stable"):
        if len(kept) == limit:
            break
        if kept and float((chosen[: len(kept)] @ vectors[index]).max()) >= similar:
            continue
        chosen[len(kept)] = vectors[index]
        kept.append(int(index))
    return kept
