"""Exact and near copies, found among rows in which they were planted."""

import itertools

import numpy as np
import pytest

from tests.select.texts import Writer, jaccard
from workers.select import duplicates, join
from workers.select.words import words


def planted(seed: int, originals: int, copies: int) -> tuple[list[str], dict[int, int], dict[int, int]]:
    """Rows with copies behind their originals: (rows, exact copy -> original, edited copy -> original)."""
    writer = Writer(seed)
    rows = [writer.row() for _ in range(originals)]
    exact, near = {}, {}
    for original in range(copies):
        exact[len(rows)] = original
        rows.append(rows[original].upper().replace(" ", "  "))
        near[len(rows)] = original + copies
        rows.append((writer.continued, writer.edited)[original % 2](rows[original + copies]))
    return rows, exact, near


def test_exact_copies_are_found_whatever_their_case_and_spacing() -> None:
    rows, exact, _ = planted(1, originals=400, copies=60)
    found = {row: other for row, other, similarity in duplicates.repeated(enumerate(rows), 1.0) if similarity == 1.0}
    assert found == exact


def test_with_threshold_one_an_edited_copy_stays() -> None:
    rows, _, near = planted(2, originals=400, copies=60)
    assert near.keys() & {row for row, _, _ in duplicates.repeated(enumerate(rows), 1.0)} == set()


def test_near_copies_are_found_with_recall_and_precision_of_at_least_95_percent() -> None:
    rows, exact, near = planted(3, originals=2000, copies=300)
    truth = {row for row, other in near.items() if jaccard(rows[row], rows[other]) >= 0.88}
    assert len(truth) > 100
    found = {row: other for row, other, _ in duplicates.repeated(enumerate(rows), 0.85)}
    assert len(truth & found.keys()) >= 0.95 * len(truth)
    right = [row for row in found if row in exact or jaccard(rows[row], rows[found[row]]) >= 0.75]
    assert len(right) >= 0.95 * len(found)
    assert found.keys() <= exact.keys() | near.keys(), "no row that was written on its own is taken for a copy"


def test_the_earlier_row_is_kept_and_named() -> None:
    writer = Writer(4)
    row = writer.row()
    assert list(duplicates.repeated([(7, row), (9, writer.row()), (11, row)], 0.85)) == [(11, 7, 1.0)]


def test_a_row_is_compared_with_kept_rows_only() -> None:
    writer = Writer(5)
    first = " ".join(writer.words(60))
    second = writer.edited(first, 1)
    found = list(duplicates.repeated([(1, first), (2, second), (3, first)], 0.85))
    assert [(row, other) for row, other, _ in found] == [(2, 1), (3, 1)]


@pytest.mark.parametrize("text", ["", "one", "one two", "?!"])
def test_texts_shorter_than_a_shingle_are_compared_as_a_whole(text: str) -> None:
    assert [row for row, _, _ in duplicates.repeated([(1, text), (2, f" {text} ")], 0.85)] == [2]


def test_the_order_of_batches_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, _, _ = planted(6, originals=300, copies=50)
    at_once = list(duplicates.repeated(enumerate(rows), 0.85))
    monkeypatch.setattr(duplicates, "AT_ONCE", 7)
    assert list(duplicates.repeated(enumerate(rows), 0.85)) == at_once


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.85, 1.0])
def test_the_join_gives_exactly_the_pairs_that_brute_force_gives(threshold: float) -> None:
    writer = Writer(7)
    rows = [writer.row() for _ in range(150)]
    rows += [writer.edited(row, edits) for edits in (1, 2, 3, 5) for row in rows[:60]]
    sets = duplicates.hashes([words(row) for row in rows])
    truth = {
        pair for pair in itertools.combinations(range(len(rows)), 2) if jaccard(*(rows[i] for i in pair)) >= threshold
    }
    assert threshold == 1.0 or len(truth) > 20
    blocks = [np.stack(block, axis=1) for block in join.pairs(sets, threshold)]
    found = [(min(pair), max(pair)) for pair in np.concatenate([*blocks, np.empty((0, 2), int)]).tolist()]
    assert len(found) == len(set(found)), "no pair is given twice"
    assert set(found) == truth


def test_a_crowd_that_shares_all_its_rare_words_is_connected() -> None:
    rows = [f"the same seven words stand in every row and then {i}" for i in range(join.CROWD + 50)]
    sets = duplicates.hashes([words(row) for row in rows])
    met = {int(i) for left, right in join.pairs(sets, 0.5) for i in np.r_[left, right]}
    assert met == set(range(len(rows)))
