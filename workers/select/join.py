"""Which texts are near copies of each other: all pairs whose word 3-grams have a Jaccard similarity of t or more.

Exact, unlike MinHash: a set-similarity join with prefix filtering (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma,
Srikant 2007). Two sets of Jaccard t share one of the rarest |x| - ceil(t |x|) + 1 elements of each, so only texts that
meet in such a rare element are compared.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

CROWD = 200  # so many texts in one rare element are boilerplate: see `pairs`
AT_ONCE = 20_000

Ints = NDArray[np.int64]
Sets = list[NDArray[np.uint64]]


def pairs(
    sets: Sets,
    threshold: float,
    alive: Callable[[], None] = lambda: None,
    united: Callable[[], Sequence[int]] | None = None,
) -> Iterator[tuple[Ints, Ints]]:
    """Blocks of (i, j) with Jaccard >= threshold. `sets`: sorted distinct hashes of each text, none empty.

    Where more than CROWD texts meet in one rare element, neighbours are given unchecked: who unites pairs unites the
    whole crowd, which separates too little and never too much. `alive` is called now and then and may raise. `united`
    gives a label to each text: for who only wants to know what belongs together, pairs of one label are left out.
    """
    if len(sets) < 2:
        return
    sizes = np.array([len(s) for s in sets])
    elements, owners = _prefixes(sets, sizes, threshold)
    alive()
    order = np.lexsort((owners, elements))
    elements, owners = elements[order], owners[order]
    starts = np.flatnonzero(np.r_[True, elements[1:] != elements[:-1]])
    lengths = np.diff(np.r_[starts, len(elements)])
    crowds = lengths > CROWD
    for start, length in zip(starts[crowds], lengths[crowds], strict=True):
        crowd = owners[start : start + length]
        yield crowd[:-1], crowd[1:]
    candidates = _candidates(owners, starts[~crowds], lengths[~crowds], sizes, threshold)
    offsets = np.r_[0, np.cumsum(sizes)]
    flat = np.concatenate(sets)
    step = max(AT_ONCE, len(sets))  # so that the labels cost no more than the comparisons
    for at in range(0, len(candidates), step):
        alive()
        left, right = np.divmod(candidates[at : at + step], len(sets))
        if united is not None:
            labels = np.asarray(united())
            apart = labels[left] != labels[right]
            left, right = left[apart], right[apart]
        shared = _shared(flat, offsets, sizes, left, right)
        close = shared >= threshold * (sizes[left] + sizes[right] - shared) - 1e-9
        yield left[close], right[close]


def _prefixes(sets: Sets, sizes: Ints, threshold: float) -> tuple[NDArray[np.uint64], Ints]:
    """(element, its text) for the rarest elements of each text that a near copy cannot all lack."""
    flat = np.concatenate(sets)
    owners = np.repeat(np.arange(len(sets)), sizes)
    _, inverse, counts = np.unique(flat, return_inverse=True, return_counts=True)
    order = np.lexsort((flat, counts[inverse], owners))
    flat, owners = flat[order], owners[order]
    place = np.arange(len(flat)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    prefix = sizes - np.ceil(threshold * sizes - 1e-9).astype(int) + 1
    kept = (place < prefix[owners]) & (counts[inverse[order]] > 1)
    return flat[kept], owners[kept]


def _candidates(owners: Ints, starts: Ints, lengths: Ints, sizes: Ints, threshold: float) -> Ints:
    """Pairs that meet in a rare element and whose sizes allow the similarity, each once, as i * n + j."""
    n, found = len(sizes), [np.empty(0, dtype=np.int64)]
    for step in range(1, CROWD):
        starts, lengths = starts[lengths > step], lengths[lengths > step]
        if not len(starts):
            break
        firsts = np.repeat(starts, lengths - step)
        counts = np.cumsum(lengths - step)
        firsts += np.arange(counts[-1]) - np.repeat(counts - (lengths - step), lengths - step)
        left, right = owners[firsts], owners[firsts + step]
        fits = np.minimum(sizes[left], sizes[right]) >= threshold * np.maximum(sizes[left], sizes[right]) - 1e-9
        found.append(np.unique(left[fits] * n + right[fits]))
    return np.unique(np.concatenate(found))


def _shared(flat: NDArray[np.uint64], offsets: Ints, sizes: Ints, left: Ints, right: Ints) -> Ints:
    """How many elements the two texts of each pair have in common."""
    texts = np.r_[left, right]
    spans = sizes[texts]
    place = np.arange(spans.sum()) - np.repeat(np.cumsum(spans) - spans, spans)
    values = flat[np.repeat(offsets[texts], spans) + place]
    pair = np.repeat(np.r_[np.arange(len(left)), np.arange(len(left))], spans)
    order = np.lexsort((values, pair))
    values, pair = values[order], pair[order]
    twice = (values[1:] == values[:-1]) & (pair[1:] == pair[:-1])
    return np.bincount(pair[1:][twice], minlength=len(left))
