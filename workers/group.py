"""From chunks to contexts: seeds of good quality, spread over the documents, each with related but different chunks."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = Callable[[list[str]], NDArray[np.float32]]

_WORD = re.compile(r"[^\W\d_]{2,}")
_SENTENCE = re.compile(r"[.!?…。]+(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk as grouping sees it."""

    id: str
    document_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """Chunk ids in reading order, the seed's quality (0..1), and the seed's document."""

    chunk_ids: tuple[str, ...]
    quality: float
    seed: str


def quality(text: str) -> float:
    """0..1: does this look like prose that states something? Counts letters, sentences, varied words; no model asked.

    Tables of contents, link lists, tables of numbers and boilerplate score low; a paragraph of plain prose above 0.7.
    """
    words = _WORD.findall(text.lower())
    if len(words) < 8:
        return 0.0
    letters = sum(len(word) for word in words) / max(1, len(re.sub(r"\s", "", text)))
    lines = [line for line in text.splitlines() if line.strip()]
    full_lines = sum(len(line) > 50 or line.rstrip().endswith((".", "!", "?", "…", ":")) for line in lines) / len(lines)
    sentences = len(_SENTENCE.findall(text))
    sentence_score = min(1.0, sentences / max(1.0, len(words) / 30))
    counts = Counter(words)
    variety = min(1.0, len(counts) / len(words) / 0.45)
    length = min(1.0, len(words) / 40)
    return round(
        0.3 * min(1.0, letters / 0.8) + 0.25 * full_lines + 0.2 * sentence_score + 0.15 * variety + 0.1 * length, 4
    )


def group(
    chunks: Sequence[Candidate],
    *,
    size: int,
    min_quality: float,
    min_similarity: float,
    max_similarity: float,
    diversity: float,
    cross_document: bool,
    seed: int,
    wanted: int | None,
    vectors: Vectors,
) -> list[Group]:
    """Contexts of 1 to `size` chunks. The same inputs and seed give the same contexts.

    Seeds are taken from all documents in turn (stratified, not random over chunks, or long documents would have it
    all), best quality first. Related chunks are chosen by maximal marginal relevance within
    [min_similarity, max_similarity]. `wanted` bounds the number of contexts; None gives one for each good chunk.
    """
    scores = {chunk.id: quality(chunk.text) for chunk in chunks}
    good = [chunk for chunk in chunks if scores[chunk.id] >= min_quality] or sorted(
        chunks, key=lambda chunk: -scores[chunk.id]
    )[:1]
    seeds = _stratified(good, scores, seed)[:wanted]
    if size == 1 or len(chunks) < 2:
        return [Group((chunk.id,), scores[chunk.id], chunk.id) for chunk in seeds]
    matrix = vectors([chunk.text for chunk in chunks])
    place = {chunk.id: i for i, chunk in enumerate(chunks)}
    usable = np.array([scores[chunk.id] >= min_quality for chunk in chunks])
    documents = np.array([chunk.document_id for chunk in chunks])
    groups = []
    for chunk in seeds:
        row = place[chunk.id]
        allowed = usable.copy() if cross_document else usable & (documents == chunk.document_id)
        allowed[row] = False
        similarity = matrix @ matrix[row]
        allowed &= (similarity >= min_similarity) & (similarity <= max_similarity)
        related = _marginal_relevance(
            matrix, row, np.flatnonzero(allowed), similarity, size - 1, diversity, max_similarity
        )
        # Chunks of one document in the order they stand there; other documents after the seed's.
        members = sorted([row, *related], key=lambda i: (chunks[i].document_id != chunk.document_id, i))
        groups.append(Group(tuple(chunks[i].id for i in members), scores[chunk.id], chunk.id))
    return groups


def _stratified(chunks: Sequence[Candidate], scores: dict[str, float], seed: int) -> list[Candidate]:
    """One chunk of each document in turn; within a document the best first, ties broken by the seed."""
    shuffled = random.Random(seed)
    by_document: dict[str, list[tuple[float, float, Candidate]]] = defaultdict(list)
    for chunk in chunks:
        by_document[chunk.document_id].append((-round(scores[chunk.id], 1), shuffled.random(), chunk))
    queues = [[chunk for *_, chunk in sorted(found, key=lambda item: item[:2])] for found in by_document.values()]
    shuffled.shuffle(queues)
    found: list[Candidate] = []
    for depth in range(max((len(queue) for queue in queues), default=0)):
        found += [queue[depth] for queue in queues if depth < len(queue)]
    return found


def _marginal_relevance(
    matrix: NDArray[np.float32],
    seed: int,
    candidates: NDArray[np.intp],
    similarity: NDArray[np.float32],
    count: int,
    diversity: float,
    max_similarity: float,
) -> list[int]:
    """Maximal marginal relevance (Carbonell and Goldstein, 1998): near the seed, far from those chosen already."""
    chosen: list[int] = []
    left = list(candidates)
    while left and len(chosen) < count:
        taken = matrix[[seed, *chosen]]
        nearest = (matrix[left] @ taken.T).max(axis=1)
        value = (1 - diversity) * similarity[left] - diversity * nearest
        best = int(np.argmax(value))
        pick = int(left.pop(best))
        chosen.append(pick)
        left = [i for i in left if float(matrix[i] @ matrix[pick]) <= max_similarity]
    return chosen
