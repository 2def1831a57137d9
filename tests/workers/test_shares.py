"""Shares of question types hold over a dataset; who asks and how is drawn by weight and told to the model."""

from collections import Counter
from typing import Any

import pytest

from app import catalog
from tests.workers.scripted import AGREES, FIRST, Scripted, context, made
from workers.steps.shares import apportion

TASK = catalog.TASKS["grounded_qa"]


def test_ten_percent_of_three_questions_are_thirty_of_three_hundred() -> None:
    asked: Counter[str] = Counter()
    for place in range(100):
        asked.update(apportion({"single_hop": 0.9, "unanswerable": 0.1}, 3, place))
    assert asked.total() == 300
    assert 28 <= asked["unanswerable"] <= 32


@pytest.mark.parametrize("count", [1, 3, 7])
@pytest.mark.parametrize("units", [40, 400])
def test_six_types_get_their_shares_whatever_the_count(count: int, units: int) -> None:
    shares: dict[Any, float] = {
        "single_hop": 0.4, "multi_hop": 0.25, "unanswerable": 0.1,
        "multiple_choice": 0.1, "true_false": 0.1, "cloze": 0.05,
    }  # fmt: skip
    asked: Counter[str] = Counter()
    for place in range(units):
        found = apportion(shares, count, place)
        assert sum(found.values()) == count
        assert all(number > 0 for number in found.values())
        asked.update(found)
    for name, share in shares.items():
        assert abs(asked[name] - share * count * units) <= 4, (name, asked)


def test_one_type_alone_is_every_question() -> None:
    assert all(apportion({"single_hop": 1.0}, 3, place) == {"single_hop": 3} for place in range(50))


def test_any_run_of_ten_units_has_its_share_too() -> None:
    shares: dict[Any, float] = {"single_hop": 0.9, "unanswerable": 0.1}
    counts = [apportion(shares, 3, place).get("unanswerable", 0) for place in range(200)]
    assert all(1 <= sum(counts[start : start + 10]) <= 5 for start in range(190))


def asked(**options: Any) -> tuple[str, list[dict[str, Any]]]:
    """(the instruction of the ask call, the attributes of its twenty rows)."""
    model = Scripted(
        ask__grounded=lambda values: {"questions": [f"Who steers ferry Aurora ({i})?" for i in range(values["count"])]},
        answer__grounded={"quote": FIRST[:44], "further_quotes": [], "answer": "Captain Lind steers it."},
        judge__grounded=AGREES | {"own_answer": "Captain Lind"},
    )
    rows = made(model, context(FIRST), questions_per_context=20, **options).kept
    return model.instructions("ask")[0], [row.attributes for row in rows]


def test_with_the_defaults_nothing_is_told_but_how_many_and_which_language() -> None:
    instruction, _ = asked()
    assert "How each of them is asked" not in instruction
    assert "Write 20 questions in English" in instruction
    assert "has one short answer that stands above word for word" in instruction


def test_personas_styles_and_difficulty_are_told_question_by_question_and_kept_in_the_row() -> None:
    options = {
        "personas": {"newcomer": 1, "a harbour pilot": 1},
        "styles": {"search_query": 1},
        "difficulty": {"hard": 3, "easy": 1},
    }
    instruction, rows = asked(**options)
    assert instruction.count("- question ") == 20
    assert instruction.count("as a search query") == 20
    assert "asked by someone who is new to the subject" in instruction
    assert "asked by a harbour pilot" in instruction
    assert {row["persona"] for row in rows} == {"newcomer", "a harbour pilot"}
    assert {row["style"] for row in rows} == {"search_query"}
    assert Counter(row["difficulty"] for row in rows)["hard"] > 10
    assert asked(**options) == (instruction, rows), "the same seed draws the same"


def test_lengths_are_told_where_the_answer_is_written() -> None:
    model = Scripted(
        ask__grounded={"questions": ["Who steers the ferry Aurora?"]},
        answer__grounded={"quote": FIRST[:44], "further_quotes": [], "answer": "Captain Lind."},
        judge__grounded=AGREES | {"own_answer": "Captain Lind"},
    )
    [row] = made(model, context(FIRST), questions_per_context=1, lengths={"short": 1}).kept
    assert "a few words, no full sentence" in model.instructions("answer")[0]
    assert row.attributes["length"] == "short"


def test_evolved_questions_keep_the_length_and_lose_the_asker() -> None:
    model = Scripted(
        ask__grounded={"questions": ["Who steers the ferry Aurora?"]},
        evolve__deepen={"question": "Who steers the ferry Aurora that leaves Norvik at 07:40?"},
        answer__grounded={"quote": FIRST[:44], "further_quotes": [], "answer": "Captain Lind."},
        judge__grounded=AGREES | {"own_answer": "Captain Lind"},
    )
    options: dict[str, Any] = {
        "evolve_rounds": 1,
        "evolutions": ["deepen"],
        "lengths": {"short": 1},
        "personas": ["auditor"],
    }
    kept = made(model, context(FIRST), questions_per_context=1, **options).kept
    assert [row.kind for row in kept] == ["original", "evolved"]
    assert kept[1].attributes == {"question_type": "single_hop", "length": "short"}


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        ({}, 16),
        ({"question_types": {"cloze": 1}}, 0),
        ({"question_types": {"multiple_choice": 1}}, 1 + 3),
        ({"question_types": {"true_false": 1}}, 1 + 3),
        ({"question_types": {"unanswerable": 1}}, 1 + 3 * 2),
        ({"question_types": {"multi_hop": 1}, "evolve_rounds": 0}, 1 + 3 * 2),
        ({"question_types": {"multi_hop": 1}, "evolve_rounds": 0, "check_hops": True}, 1 + 3 * 3),
        ({"question_types": {"single_hop": 2, "cloze": 1}, "evolve_rounds": 0}, 1 + 2 * 2),
    ],
)
def test_what_a_context_costs(options: dict[str, Any], calls: int) -> None:
    assert TASK.calls(options, TASK.gates, catalog.METRICS.entries) == calls
