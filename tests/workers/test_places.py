"""Units of a dataset that is made again keep their numbers, and shares of types hold all the same."""

import random
from collections import Counter

import pytest

from workers.places import Key, spread
from workers.steps.shares import apportion


def keys(*names: str) -> list[Key]:
    return [(name, 0) for name in names]


def test_a_first_dataset_counts_up() -> None:
    assert spread(keys("a", "b", "c"), {}, 0) == [0, 1, 2]
    assert spread(keys("a", "b", "c"), {}, 40) == [40, 41, 42], "a later round goes on from there"


def test_what_was_there_keeps_its_number_and_what_is_new_gets_a_free_one() -> None:
    known = {("a", 0): [0], ("b", 0): [1], ("c", 0): [2], ("gone", 0): [3]}
    assert spread(keys("new", "c", "a", "newer", "b"), known, 0) == [3, 2, 0, 4, 1]


def test_the_same_text_twice_has_two_numbers_again() -> None:
    assert spread(keys("a", "a", "a"), {("a", 0): [5, 2]}, 0) == [5, 2, 0]


@pytest.mark.parametrize("changed", [0.05, 0.3])
def test_shares_hold_through_many_changes(changed: float) -> None:
    draw = random.Random(7)
    contexts = [f"context {i}" for i in range(100)]
    numbers: dict[Key, list[int]] = {}
    for version in range(20):
        contexts = [f"{version}|{i}" if draw.random() < changed else was for i, was in enumerate(contexts)]
        draw.shuffle(contexts)
        placed = spread(keys(*contexts), numbers, 0)
        kept = [(key, place) for key, place in zip(keys(*contexts), placed, strict=True) if key in numbers]
        assert all(numbers[key] == [place] for key, place in kept)
        assert sorted(placed) == list(range(100))
        numbers = {key: [place] for key, place in zip(keys(*contexts), placed, strict=True)}
        asked: Counter[str] = Counter()
        for place in placed:
            asked.update(apportion({"single_hop": 0.9, "unanswerable": 0.1}, 3, place))
        assert 28 <= asked["unanswerable"] <= 32
