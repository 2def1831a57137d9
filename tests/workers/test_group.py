"""Contexts: good seeds from every document, related but different neighbours, the same in every run."""

import hashlib
import random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.datasets.schemas import Grouping
from workers import embed
from workers.grouping import Candidate, Grouped, group, quality

PROSE = (
    "The ferry leaves the harbour of Norvik at seven in the morning. It carries fifty cars and three hundred people. "
)


def candidates(documents: int, chunks: int) -> list[Candidate]:
    """Chunks that share a subject and have words of their own."""
    return [
        Candidate(f"{d}-{c}", f"doc{d}", PROSE + " ".join(f"word{d}x{c}y{i}" for i in range(12)) + ".")
        for d in range(documents)
        for c in range(chunks)
    ]


def vectors(texts: list[str]) -> NDArray[np.float32]:
    """Unit vectors drawn by each text's own hash: any two are unlike."""
    seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) for text in texts]
    made = [np.random.default_rng(seed).normal(size=64) for seed in seeds]
    return np.array([vector / np.linalg.norm(vector) for vector in made], dtype=np.float32)


def no_vectors(texts: list[str]) -> NDArray[np.float32]:
    raise AssertionError("entity edges need no embeddings")


def make(found: list[Candidate], *, seed: int = 1, scores: Any = None, losses: Any = None, **changed: Any) -> Grouped:
    options: dict[str, Any] = {
        "min_quality": 0.3,
        "min_similarity": -1.0,
        "max_similarity": 0.99,
        "edges": ["similarity"],
    } | changed
    embedder = vectors if "similarity" in options["edges"] else no_vectors
    return group(found, Grouping.model_validate(options), seed=seed, vectors=embedder, scores=scores, losses=losses)


def sets(made: Grouped) -> list[set[str]]:
    return [set(found.chunk_ids) for found in made.groups]


def documents_of(chunk_ids: set[str]) -> set[str]:
    return {chunk_id.split("-")[0] for chunk_id in chunk_ids}


def test_prose_scores_high_and_tables_of_contents_low() -> None:
    contents = "\n".join(f"{i}.{i} Chapter {i} ........ {i * 7}" for i in range(30))
    assert quality(PROSE * 3) > 0.7
    assert quality(contents) < 0.5
    assert quality("12 34 56 78 90") == 0


def test_the_first_seeds_come_from_every_document_in_turn() -> None:
    first = sets(make(candidates(5, 20)))[:5]
    assert {home for found in first for home in documents_of(found)} == {"0", "1", "2", "3", "4"}


@pytest.mark.parametrize("seed", range(5))
def test_the_same_inputs_and_seed_give_the_same_contexts_in_the_same_order(seed: int) -> None:
    rng = random.Random(seed)
    found = candidates(rng.randint(1, 5), rng.randint(1, 9))
    options: dict[str, Any] = {
        "chunks_per_context": {"min": 1, "max": rng.randint(1, 4)},
        "cross_document": rng.random() < 0.5,
        "edges": rng.choice([["similarity"], ["entities"], ["similarity", "entities"]]),
        "contexts_per_document": rng.choice([None, 2]),
    }
    losses = {chunk.id: rng.uniform(1, 4) for chunk in found} if rng.random() < 0.5 else None
    assert make(found, seed=seed, losses=losses, **options) == make(found, seed=seed, losses=losses, **options)


def test_another_seed_gives_another_order() -> None:
    assert make(candidates(4, 9), seed=1) != make(candidates(4, 9), seed=2)


def test_neighbours_stay_in_the_document_unless_asked_otherwise() -> None:
    inside = make(candidates(3, 6), chunks_per_context=3)
    assert all(len(documents_of(found)) == 1 for found in sets(inside))
    assert inside.counts["cross_document"] == 0


@pytest.mark.parametrize("edges", [["similarity"], ["entities"], ["similarity", "entities"]])
def test_across_documents_every_context_has_a_chunk_of_another_one_where_one_is_linked(edges: list[str]) -> None:
    found = [
        Candidate(c.id, c.document, c.text + f" It is run by the Blue Line {c.id.split('-')[1]}.")
        for c in candidates(4, 8)
    ]
    across = make(found, chunks_per_context=3, cross_document=True, edges=edges)
    assert all(len(documents_of(found)) > 1 for found in sets(across))
    assert across.counts["cross_document"] == len(across.groups)


def test_a_document_that_is_linked_to_no_other_keeps_to_itself() -> None:
    found = [
        Candidate("a-0", "a", PROSE + "alpha beta"),
        Candidate("b-0", "b", "Bread is baked at night by one man. " * 3),
    ]
    alone = make(found, chunks_per_context=2, cross_document=True, edges=["entities"])
    assert sorted(map(sorted, sets(alone))) == [["a-0"], ["b-0"]]
    assert alone.counts["cross_document"] == 0


def test_a_context_reads_in_the_order_of_its_document_and_other_documents_follow() -> None:
    for made in make(candidates(3, 6), chunks_per_context=4, cross_document=True).groups:
        home = made.seed.split("-")[0]
        own = [chunk_id for chunk_id in made.chunk_ids if chunk_id.startswith(home)]
        assert own == sorted(own)
        assert list(made.chunk_ids[: len(own)]) == own


@pytest.mark.parametrize("edges", [["similarity"], ["entities"], ["similarity", "entities"]])
def test_copies_are_never_in_one_context(edges: list[str]) -> None:
    twins = [Candidate(f"a{i}", "a", PROSE * 2 + "Ask the Port Authority of Norvik.") for i in range(3)]
    others = [Candidate(c.id, c.document, c.text + " The Port Authority of Norvik.") for c in candidates(1, 2)]
    for found in sets(make(twins + others, chunks_per_context=4, cross_document=True, edges=edges)):
        assert sum(chunk_id.startswith("a") for chunk_id in found) <= 1


def test_two_contexts_never_hold_the_same_chunks() -> None:
    made = make(candidates(1, 3), chunks_per_context=3)
    assert sets(made) == [{"0-0", "0-1", "0-2"}]
    assert made.counts["repeated"] == 2


def test_a_range_of_sizes_leaves_out_contexts_that_find_too_few() -> None:
    found = [*candidates(1, 4), Candidate("b-0", "b", "Bread is baked at night by one man and his two sons. " * 2)]
    made = make(found, chunks_per_context={"min": 2, "max": 3})
    assert all(2 <= len(chunk_ids) <= 3 for chunk_ids in sets(made))
    assert made.counts["too_few_chunks"] == 1


def test_a_least_size_that_no_context_reaches_is_let_go() -> None:
    assert sets(make(candidates(1, 1), chunks_per_context={"min": 3, "max": 3})) == [{"0-0"}]


def test_no_document_begins_more_contexts_than_allowed() -> None:
    made = make(candidates(2, 9), contexts_per_document=2)
    assert sorted(home for found in sets(made) for home in documents_of(found)) == ["0", "0", "1", "1"]
    assert made.counts["over_document_cap"] == 14


def test_a_corpus_of_one_poor_chunk_still_gives_a_context() -> None:
    assert sets(make([Candidate("only", "doc", "1 2 3")])) == [{"only"}]
    assert sets(make([Candidate("only", "doc", "1 2 3")], chunks_per_context=3)) == [{"only"}]


def test_two_chunks_of_one_document_make_one_context_of_both() -> None:
    assert sets(make(candidates(1, 2), chunks_per_context=2)) == [{"0-0", "0-1"}]


def test_no_chunks_give_no_contexts() -> None:
    assert make([]).groups == ()


def test_a_judges_grades_decide_who_begins_and_the_ungraded_do_not() -> None:
    made = make(candidates(1, 4), quality="judge", min_quality=0.5, scores={"0-0": 0.9, "0-1": 0.4, "0-2": 0.5})
    assert sorted(map(sorted, sets(made))) == [["0-0"], ["0-2"]]
    assert made.counts["below_quality"] == 2
    assert [found.quality for found in made.groups] == [0.9, 0.5]


def test_where_no_grade_is_good_enough_the_best_chunk_is_kept() -> None:
    assert sets(make(candidates(1, 3), quality="judge", scores={"0-0": 0.1, "0-1": 0.3})) == [{"0-1"}]
    assert len(sets(make(candidates(1, 3), quality="judge", scores={}))) == 1


def test_what_the_trainee_knows_least_comes_first() -> None:
    found = candidates(2, 3)
    losses = {"0-0": 1.0, "0-1": 3.0, "0-2": 2.0, "1-0": 2.5, "1-1": 0.5}
    made = make(found, order="by_loss", losses=losses)
    assert [next(iter(chunk_ids)) for chunk_ids in sets(made)] == ["0-1", "1-0", "0-2", "0-0", "1-1", "1-2"]


def test_chunks_that_are_alike_to_the_trainee_come_in_turn_from_all_documents() -> None:
    losses = {chunk.id: 2.0 + i / 100 for i, chunk in enumerate(candidates(4, 4))}
    made = make(candidates(4, 4), order="by_loss", losses=losses)
    assert {home for found in sets(made)[:4] for home in documents_of(found)} == {"0", "1", "2", "3"}


def test_many_chunks_are_compared_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    from workers.grouping import neighbours

    whole = make(candidates(3, 30), chunks_per_context=3, cross_document=True)
    monkeypatch.setattr(neighbours, "BLOCK", 7)
    assert make(candidates(3, 30), chunks_per_context=3, cross_document=True) == whole


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
