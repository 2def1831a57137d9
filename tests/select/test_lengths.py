"""Pairs are left out until chosen answers are as long as rejected ones, and which of them go is always the same."""

import random

import pytest

from app.catalog.pairs import alike
from workers.select import lengths

MOST = 0.05


def drawn(seed: int, count: int, lean: float) -> list[lengths.Lengths]:
    """Pairs whose chosen answers are longer by `lean` on average."""
    source = random.Random(seed)
    return [(max(1, int(source.gauss(100 * lean, 40))), max(1, int(source.gauss(100, 40)))) for _ in range(count)]


def left(pairs: list[lengths.Lengths], dropped: list[int]) -> list[lengths.Lengths]:
    return [pair for at, pair in enumerate(pairs) if at not in set(dropped)]


@pytest.mark.parametrize("lean", [0.5, 0.9, 1.0, 1.3, 3.0])
@pytest.mark.parametrize("count", [0, 1, 2, 9, 400])
def test_what_is_left_is_balanced_and_nothing_that_was_dropped_fits_back_in(count: int, lean: float) -> None:
    pairs = drawn(count, count, lean)
    dropped = lengths.biased(pairs, MOST)
    assert dropped == lengths.biased(pairs, MOST)
    rest = left(pairs, dropped)
    assert lengths.gap(rest) <= MOST
    assert all(lengths.gap([*rest, pairs[at]]) > MOST for at in dropped)


def test_a_balanced_dataset_loses_nothing() -> None:
    pairs = [(100, 60), (60, 100), (80, 81)]
    assert lengths.biased(pairs, MOST) == []
    assert lengths.biased([(500, 100)], 10.0) == []


def test_pairs_that_are_not_about_as_long_go_before_others() -> None:
    pairs = [(140, 100)] * 2 + [(30, 10)] * 4 + [(100, 170)]
    dropped = lengths.biased(pairs, MOST)
    assert dropped
    assert [pairs[at] for at in dropped] == [(30, 10)] * len(dropped)
    assert alike(140, 100)
    assert not alike(30, 10)


def test_the_surplus_of_a_balanced_dataset_leaves_it_balanced() -> None:
    pairs = drawn(5, 400, 1.2)
    pairs = left(pairs, lengths.biased(pairs, MOST))
    contexts = [at // 3 for at in range(len(pairs))]
    spared = lengths.surplus(contexts, pairs, len(pairs) // 2, MOST)
    assert len(set(spared)) == len(pairs) // 2
    assert lengths.gap(left(pairs, spared)) <= MOST
    places = {at: at % 3 for at in range(len(pairs))}
    assert {places[at] for at in spared} <= {1, 2}, "contexts with more rows give first"


def test_where_the_first_rows_of_contexts_lean_some_change_places_with_spared_ones() -> None:
    pairs = [(130, 100), (100, 130)] * 40
    contexts = [at // 2 for at in range(80)]
    spared = lengths.surplus(contexts, pairs, 40, MOST)
    assert len(set(spared)) == 40
    assert lengths.gap(left(pairs, spared)) <= MOST
