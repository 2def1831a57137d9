"""Which rows are spared: the cap of a document, balance, and surplus."""

from collections import Counter

import pytest

from workers.select import spare


def test_surplus_comes_from_contexts_with_most_rows_and_there_the_latest() -> None:
    contexts = ["a", "a", "a", "b", "b", "c"]
    assert spare.surplus(contexts, 1) == [2]
    assert spare.surplus(contexts, 3) == [2, 4, 1]
    assert len(spare.surplus(contexts, 4)) == 4
    left = [contexts[i] for i in range(6) if i not in spare.surplus(contexts, 3)]
    assert left == ["a", "b", "c"]


def test_there_is_no_surplus_when_rows_are_missing() -> None:
    assert spare.surplus(["a", "b"], -3) == []


def test_a_document_keeps_so_many_rows_from_as_many_contexts_as_can_be() -> None:
    documents = [1, 1, 1, 1, 2]
    contexts = ["a", "a", "a", "b", "c"]
    dropped = spare.over(documents, contexts, 2)
    assert [contexts[i] for i in range(5) if i not in dropped] == ["a", "b", "c"]


@pytest.mark.parametrize(("wanted", "sizes"), [(30, {"a": 10, "b": 10, "c": 10}), (45, {"a": 20, "b": 15, "c": 10})])
def test_balance_is_as_even_as_the_rows_wanted_allow(wanted: int, sizes: dict[str, int]) -> None:
    groups = ["a"] * 60 + ["b"] * 15 + ["c"] * 10
    level = spare.level(groups, wanted)
    assert level is not None
    dropped = spare.over(groups, range(len(groups)), level)
    left = Counter(groups[i] for i in range(len(groups)) if i not in set(dropped))
    assert left == sizes
    assert left.total() >= wanted


def test_balance_costs_no_row_that_is_wanted() -> None:
    assert spare.level(["a"] * 9 + ["b"], wanted=10) is None
    assert spare.level(["a"] * 9 + ["b"], wanted=12) is None
    assert spare.level([], wanted=None) is None


def test_without_a_number_wanted_no_group_is_larger_than_the_median_one() -> None:
    assert spare.level(["a"] * 9 + ["b"] * 4, wanted=None) == 4
    assert spare.level(["a"] * 9 + ["b"] * 4 + ["c"], wanted=None) == 4


def test_dropping_in_two_steps_is_dropping_in_one() -> None:
    contexts = [f"c{i % 7 % 4}" for i in range(40)]
    whole = spare.surplus(contexts, 15)
    first = set(spare.surplus(contexts, 6))
    rest = [i for i in range(40) if i not in first]
    second = {rest[i] for i in spare.surplus([contexts[i] for i in rest], 9)}
    assert first | second == set(whole), "so a selection that is killed half-way ends as if it had not been"
