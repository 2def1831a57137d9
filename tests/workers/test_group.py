"""Contexts: good seeds from every document, related but different neighbours, the same in every run."""

import numpy as np
from numpy.typing import NDArray

from workers import embed
from workers.group import Candidate, Group, group, quality

PROSE = (
    "The ferry leaves the harbour of Norvik at seven in the morning. It carries fifty cars and three hundred people. "
)


def candidates(documents: int, chunks: int) -> list[Candidate]:
    return [
        Candidate(f"{d}-{c}", f"doc{d}", PROSE + f"Ferry number {d * 100 + c} was built in {1900 + c} in yard {d}.")
        for d in range(documents)
        for c in range(chunks)
    ]


def vectors(texts: list[str]) -> NDArray[np.float32]:
    """Unit vectors drawn by each text's own hash: any two are unlike."""
    made = [np.random.default_rng(abs(hash(text)) % 2**32).normal(size=64) for text in texts]
    return np.array([vector / np.linalg.norm(vector) for vector in made], dtype=np.float32)


def make(found: list[Candidate], **changed: object) -> list[Group]:
    options = {
        "size": 1, "min_quality": 0.3, "min_similarity": -1.0, "max_similarity": 0.99, "diversity": 0.3,
        "cross_document": False, "seed": 1, "wanted": None, "vectors": vectors,
    } | changed  # fmt: skip
    return group(found, **options)  # type: ignore[arg-type]


def test_prose_scores_high_and_tables_of_contents_low() -> None:
    contents = "\n".join(f"{i}.{i} Chapter {i} ........ {i * 7}" for i in range(30))
    assert quality(PROSE * 3) > 0.7
    assert quality(contents) < 0.5
    assert quality("12 34 56 78 90") == 0


def test_the_first_seeds_come_from_every_document_in_turn() -> None:
    found = make(candidates(5, 20), wanted=5)
    assert {chunk_id.split("-")[0] for made in found for chunk_id in made.chunk_ids} == {"0", "1", "2", "3", "4"}


def test_the_same_seed_gives_the_same_contexts_and_another_one_others() -> None:
    assert make(candidates(4, 9), size=3) == make(candidates(4, 9), size=3)
    assert make(candidates(4, 9), seed=1) != make(candidates(4, 9), seed=2)


def test_neighbours_stay_in_the_document_unless_asked_otherwise() -> None:
    inside = make(candidates(3, 6), size=3)
    assert all(len({chunk_id.split("-")[0] for chunk_id in made.chunk_ids}) == 1 for made in inside)
    across = make(candidates(6, 2), size=4, cross_document=True)
    assert any(len({chunk_id.split("-")[0] for chunk_id in made.chunk_ids}) > 1 for made in across)
    assert all(len(made.chunk_ids) == 4 for made in across)


def test_copies_are_not_taken_for_neighbours() -> None:
    twins = [Candidate(f"a{i}", "a", PROSE * 2) for i in range(4)] + candidates(1, 3)
    for made in make(twins, size=3, cross_document=True, max_similarity=0.95):
        assert sum(chunk_id.startswith("a") for chunk_id in made.chunk_ids) <= 1


def test_a_corpus_of_one_poor_chunk_still_gives_a_context() -> None:
    assert len(make([Candidate("only", "doc", "1 2 3")])) == 1


def test_real_embeddings_put_like_beside_like(environment: object) -> None:
    from app.db import transaction
    from app.keys.service import tenant

    with transaction() as session:
        tenant(session, "default")
    texts = ["The cat sleeps on the sofa.", "A kitten is napping on the couch.", "The bank raised its interest rates."]
    found = embed.vectors("default", texts)
    again = embed.vectors("default", texts)
    assert np.allclose(found, again)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-3)
    assert found[0] @ found[1] > found[0] @ found[2] + 0.2
