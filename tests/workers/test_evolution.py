"""Which operator is drawn, and what the options for it may be."""

import random
from collections import Counter

import pytest
from pydantic import ValidationError

from app.catalog import TASKS
from app.catalog.evolving import EvolvingOptions, weights
from workers.steps.evolution import draw


def drawn(chosen: dict[str, float], times: int = 6000) -> Counter[str | None]:
    return Counter(draw(chosen, set(), random.Random(f"0|{i}")) for i in range(times))


def test_operators_are_drawn_by_their_weights() -> None:
    found = drawn({"deepen": 3, "add_constraint": 1, "concretise": 2, "in_breadth": 0})
    expected = {"deepen": 3000, "add_constraint": 1000, "concretise": 2000}
    assert set(found) == set(expected)
    # Chi-squared with two degrees of freedom: 13.8 is passed once in a thousand; these draws are always the same.
    assert sum((found[name] - n) ** 2 / n for name, n in expected.items()) < 13.8


def test_a_draw_depends_on_the_seed_and_not_on_the_order_in_which_operators_are_named() -> None:
    chosen = {"deepen": 3.0, "add_constraint": 1.0, "concretise": 2.0}
    turned = dict(reversed(chosen.items()))
    draws = [[draw(of, set(), random.Random(i)) for i in range(50)] for of in (chosen, turned, chosen)]
    assert draws[0] == draws[1] == draws[2]
    assert len(set(draws[0])) == 3


def test_an_operator_that_failed_is_not_drawn_again_and_at_last_there_is_none() -> None:
    chosen = {"deepen": 1000.0, "concretise": 0.001, "in_breadth": 0.0}
    assert {draw(chosen, {"deepen"}, random.Random(i)) for i in range(20)} == {"concretise"}
    assert draw(chosen, {"deepen", "concretise"}, random.Random(0)) is None


def test_a_list_weighs_each_operator_by_how_often_it_names_it() -> None:
    assert weights(["deepen", "in_breadth", "deepen"]) == {"deepen": 2, "in_breadth": 1}
    assert weights({"deepen": 0.5}) == {"deepen": 0.5}


@pytest.mark.parametrize("bad", [[], {}, {"deepen": 0}, {"deepen": -1}, {"deepen": float("nan")}, ["x"] * 21, "deepen"])
def test_operators_that_cannot_be_drawn_from_are_refused(bad: object) -> None:
    with pytest.raises(ValidationError):
        EvolvingOptions.model_validate({"evolutions": bad})


def test_no_task_lets_evolved_rows_past_a_gate() -> None:
    assert [name for name, task in TASKS.entries.items() if task.skips.get("evolved")] == []
