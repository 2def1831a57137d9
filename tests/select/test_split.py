"""The split: whole fact clusters, no near copy on both sides, and the same whatever the ids are."""

import itertools
from hashlib import blake2b

import pytest

from tests.select.texts import Writer, jaccard
from workers.select import duplicates, split
from workers.select.candidates import Row
from workers.select.clusters import Unions, held_out, overlapping
from workers.select.words import words


def rows_of(texts: list[str], *, first_id: int = 1, each: int = 3) -> list[Row]:
    """Rows of so many a context, each resting on a text of its own."""
    made = []
    for at, text in enumerate(texts):
        digest = blake2b(" ".join(words(text)).encode(), digest_size=8).digest()
        span = (at // each, 100 * (at % each), 100 * (at % each) + 50)
        made.append(Row(first_id + at, at // each, "original", at // each, (span,), digest, ()))
    return made


def texts_with_copies(seed: int) -> list[str]:
    """Rows of which many are reworded copies of rows in other contexts."""
    writer = Writer(seed)
    texts = [writer.row() for _ in range(240)]
    for at in range(0, 240, 11):
        texts[(at * 37 + 5) % 240] = writer.edited(texts[at], 1 + at % 4)
    return texts


def sides(texts: list[str], rows: list[Row], **more: object) -> tuple[set[int], set[int]]:
    hashes = duplicates.hashes([words(text) for text in texts])
    chunks = [[f"chk{context}"] for context in range(max(row.context for row in rows) + 1)]
    given = {"share": 0.2, "seed": 0, "chunks": chunks} | more
    train, validation = split.validation(rows, hashes, **given)  # type: ignore[arg-type]
    return set(train), set(validation)


@pytest.mark.parametrize("seed", range(5))
def test_no_near_copy_is_on_both_sides(seed: int) -> None:
    texts = texts_with_copies(seed)
    rows = rows_of(texts)
    near = [p for p in itertools.combinations(range(240), 2) if jaccard(texts[p[0]], texts[p[1]]) >= split.NEAR]
    assert len(near) > 10
    train, validation = sides(texts, rows, seed=seed)
    assert train | validation == {row.id for row in rows}
    assert len(validation) > 20
    crossing = [pair for pair in near if (rows[pair[0]].id in train) != (rows[pair[1]].id in train)]
    assert crossing == []


def test_a_context_is_whole_and_so_are_contexts_that_share_a_chunk() -> None:
    texts = [Writer(9).row() for _ in range(1)] + [Writer(i).row() for i in range(100, 219)]
    rows = rows_of(texts)
    chunks = [[f"chk{i // 2}"] for i in range(40)]  # contexts 2k and 2k+1 share a chunk
    train, validation = sides(texts, rows, chunks=chunks)
    assert validation
    for pair in range(20):
        together = {row.id for row in rows if row.context // 2 == pair}
        assert together <= train or together <= validation


def test_rows_whose_sources_overlap_stay_together() -> None:
    spans = [[(1, 0, 50)], [(1, 49, 80)], [(2, 0, 50)], [(1, 80, 90)], [(2, 10, 20), (1, 85, 86)]]
    unions = Unions(len(spans))
    for one, other in overlapping(spans):
        unions.unite(one, other)
    assert unions.roots() == [0, 0, 2, 2, 2], (
        "0 and 1 share a character; 3 is joined to 2 by way of 4; 80 is not in 49..80"
    )


def test_the_split_depends_on_the_words_and_the_seed_and_not_on_ids() -> None:
    texts = texts_with_copies(3)
    train, validation = sides(texts, rows_of(texts))
    moved_train, moved = sides(texts, rows_of(texts, first_id=5001))
    assert {i + 5000 for i in validation} == moved
    assert {i + 5000 for i in train} == moved_train
    assert sides(texts, rows_of(texts), seed=1)[1] != validation


def test_the_share_is_of_contexts_and_rounded_down() -> None:
    writer = Writer(4)
    texts = [writer.row() for _ in range(27)]
    rows = rows_of(texts)
    assert len(sides(texts, rows, share=0.34)[1]) == 9, "three of nine contexts"
    assert sides(texts, rows, share=0.1)[1] == set(), "fewer than ten contexts hold nothing out"
    assert sides(texts, rows, share=0)[1] == set()


def test_a_cluster_that_does_not_fit_is_passed_over() -> None:
    roots = [0] * 8 + [8, 9]
    held = held_out(roots, list(range(10)), [bytes([i]) for i in range(10)], 0.2, seed=0)
    assert held == {8, 9}
