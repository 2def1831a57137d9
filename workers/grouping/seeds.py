"""Which chunks begin a context, and in which order: all documents in turn, or what the trainee knows least first."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from workers.grouping.candidate import Candidate

BAND_NATS = 0.25  # chunks whose mean loss differs by less are alike to the trainee


def good(
    chunks: Sequence[Candidate], scores: Mapping[str, float], least: float, looks: Mapping[str, float]
) -> list[Candidate]:
    """Chunks that score at least `least`, as they stand; the best one where none does, so that no corpus is empty.

    A chunk without a score (a judge that could not grade it) is not good; `looks` decide where nothing has one.
    """
    found = [chunk for chunk in chunks if scores.get(chunk.id, -1.0) >= least]
    return found or sorted(chunks, key=lambda chunk: (-scores.get(chunk.id, -1.0), -looks[chunk.id]))[:1]


def stratified(chunks: Sequence[Candidate], scores: Mapping[str, float], seed: int) -> list[Candidate]:
    """One chunk of each document in turn; within a document the best first (to a tenth), ties broken by the seed.

    Not at random over all chunks as DeepEval does: a long document would have it all. Documents are drawn by seed and
    name, ties by seed and text: so what is changed in one document does not change the order of all others.
    """
    by_document: dict[str, list[tuple[float, bytes, Candidate]]] = defaultdict(list)
    for chunk in chunks:
        rank = -round(scores.get(chunk.id, 0.0), 1)
        by_document[chunk.document].append((rank, drawn(seed, chunk.text), chunk))
    turns = sorted(by_document, key=lambda document: drawn(seed, document))
    queues = [[chunk for *_, chunk in sorted(by_document[name], key=lambda item: item[:2])] for name in turns]
    found: list[Candidate] = []
    for depth in range(max((len(queue) for queue in queues), default=0)):
        found += [queue[depth] for queue in queues if depth < len(queue)]
    return found


def drawn(seed: int, *texts: str) -> bytes:
    """Where these texts come in an order that only the seed and they themselves decide."""
    return hashlib.sha256("\0".join((str(seed), *texts)).encode()).digest()


def by_loss(
    chunks: Sequence[Candidate], scores: Mapping[str, float], losses: Mapping[str, float], seed: int
) -> list[Candidate]:
    """Those the trainee expects least first (GraphGen, arXiv 2505.20416, which asks statements; we ask log-likelihood).

    Losses are taken in bands of BAND_NATS, and within a band the order is stratified. Chunks without a loss come last.
    """
    bands: dict[float, list[Candidate]] = defaultdict(list)
    for chunk in chunks:
        bands[losses[chunk.id] // BAND_NATS if chunk.id in losses else -1.0].append(chunk)
    return [chunk for band in sorted(bands, reverse=True) for chunk in stratified(bands[band], scores, seed)]


def capped(seeds: Sequence[Candidate], per_document: int | None) -> list[Candidate]:
    """At most `per_document` seeds of each document, the first ones."""
    if per_document is None:
        return list(seeds)
    begun: Counter[str] = Counter()
    found = []
    for chunk in seeds:
        begun[chunk.document] += 1
        if begun[chunk.document] <= per_document:
            found.append(chunk)
    return found
