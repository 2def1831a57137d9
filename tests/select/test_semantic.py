"""Questions that ask the same: the block-wise search against a plain one, and real embeddings of paraphrases."""

import numpy as np
import pytest
from numpy.typing import NDArray

from workers.select import semantic


def clustered(seed: int, centres: int, each: int, spread: float) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    points = np.repeat(random.normal(size=(centres, 64)), each, axis=0)
    points += spread * random.normal(size=points.shape)
    random.shuffle(points)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points, dtype=np.float32)


def plainly(vectors: NDArray[np.float32], facts: list[int], within: float, overall: float) -> list[int]:
    kept: list[int] = []
    dropped: list[int] = []
    for row in range(len(vectors)):
        cosines = vectors[kept] @ vectors[row] if kept else np.empty(0)
        bounds = [min(within, overall) if facts[other] == facts[row] else overall for other in kept]
        (dropped if any(c >= b for c, b in zip(cosines, bounds, strict=True)) else kept).append(row)
    return dropped


@pytest.mark.parametrize("block", [7, 64, 2048])
def test_the_blocks_find_what_a_plain_loop_finds(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(semantic, "BLOCK", block)
    vectors = clustered(1, centres=60, each=5, spread=0.25)
    facts = [i % 9 for i in range(len(vectors))]
    truth = plainly(vectors, facts, 0.92, 0.95)
    assert 20 < len(truth) < 280
    assert [row for row, _, _ in semantic.repeated(vectors, facts, within=0.92, overall=0.95)] == truth


def test_within_one_fact_less_similarity_is_enough() -> None:
    pair = np.array([[1, 0], [0.93, np.sqrt(1 - 0.93**2)]], dtype=np.float32)
    assert semantic.repeated(pair, [0, 0], within=0.92, overall=0.95) == [(1, 0, 0.93)]
    assert semantic.repeated(pair, [0, 1], within=0.92, overall=0.95) == []


def test_a_stop_is_heard_in_every_block() -> None:
    class Stop(Exception):
        pass

    def alive() -> None:
        raise Stop

    with pytest.raises(Stop):
        semantic.repeated(np.eye(3, dtype=np.float32), [0, 1, 2], within=0.9, overall=0.9, alive=alive)


def test_real_embeddings_tell_a_paraphrase_from_another_question(environment: pytest.MonkeyPatch) -> None:
    from app.db import transaction
    from app.models import Tenant
    from workers import embed

    with transaction() as session:
        session.add(Tenant(id="tnt_1"))
    questions = [
        "What time does the ferry Aurora leave Norvik?",
        "At what time does the ferry Aurora leave Norvik?",
        "How much does a single ticket to the island cost?",
        "Who has to be told about dangerous goods on board?",
    ]
    vectors = embed.vectors("tnt_1", questions)
    assert [(row, other) for row, other, _ in semantic.repeated(vectors, [0] * 4, within=0.92, overall=0.95)] == [
        (1, 0)
    ]
