"""Questions that take thinking, through their recipe: votes, steps, judges, and how a row is written."""

from typing import Any

import pytest
from pydantic import ValidationError

from app import catalog
from app.catalog.tasks.reasoning import ReasoningOptions
from app.domain import Dropped
from tests.workers.scripted import Scripted, context, made_by, stands
from workers.recipes import Outcome

TEXT = "The ferry Aurora leaves Norvik at 07:40. The gate of the quay closes at 07:25. She lives in Tarnholm."
ASKED = "How long before the departure of the ferry Aurora from Norvik does the gate of the quay close?"
STEPS = [
    {"quote": "The ferry Aurora leaves Norvik at 07:40.", "thought": "The ferry leaves at 07:40."},
    {"quote": "The gate of the quay closes at 07:25.", "thought": "The gate closes at 07:25."},
    {"quote": "", "thought": "From 07:25 to 07:40 are 15 minutes."},
]
RIGHT = {"steps": STEPS, "answer": "The gate closes 15 minutes before the departure."}
WRONG = {"steps": STEPS, "answer": "The gate closes 25 minutes before the departure."}
ALSO_RIGHT = {"steps": STEPS, "answer": "15 minutes before."}
UNKNOWN = {"steps": STEPS, "answer": "UNKNOWN"}
GRADES = {"own_answer": "15 minutes", "flaw": "None.", "soundness": 5, "conclusion": 5, "thought_needed": 4}
ABOUT = context(TEXT)


def made(*attempts: dict[str, Any], judged: dict[str, Any] = GRADES, **options: Any) -> tuple[Outcome, Scripted]:
    script = Scripted(
        ask__reasoning={"questions": [{"plan": "Take 07:25 from 07:40.", "question": ASKED}]},
        answer__reasoning=lambda values: attempts[values["sample"]],
        judge__reasoning=judged,
    )
    chosen = {"questions_per_context": 1, "samples": len(attempts)} | options
    return made_by("reasoning", script, ABOUT, **chosen), script


def only_drop(outcome: Outcome) -> Dropped:
    assert outcome.kept == []
    [row] = outcome.dropped
    return row


def test_a_row_has_its_thoughts_between_tags_and_its_quotes_as_sources() -> None:
    outcome, script = made(RIGHT, RIGHT, ALSO_RIGHT)
    [row] = outcome.kept
    assert row.answer == (
        "<think>\nThe ferry leaves at 07:40.\nThe gate closes at 07:25.\nFrom 07:25 to 07:40 are 15 minutes.\n</think>"
        "\n\nThe gate closes 15 minutes before the departure."
    )
    assert row.attributes["final_answer"] == RIGHT["answer"]
    assert row.attributes["steps"] == STEPS
    assert [span.quote for span in row.sources] == [step["quote"] for step in STEPS[:2]]
    assert all(stands(ABOUT, span) for span in row.sources)
    assert row.attributes["votes"] | {"answers": []} == {"samples": 3, "agreeing": 3, "answers": []}
    task = catalog.TASKS["reasoning"]
    assert {verdict.metric for verdict in row.verdicts} == set(task.gates)
    options = {"questions_per_context": 1, "samples": 3}
    assert task.calls(options, task.gates, catalog.METRICS.entries) == len(script.asked) == 5


def test_plain_thoughts_are_numbered() -> None:
    [row] = made(RIGHT, thoughts="plain")[0].kept
    assert row.answer.startswith("1. The ferry leaves at 07:40.\n2. ")
    assert row.answer.endswith("\n\nThe gate closes 15 minutes before the departure.")


def test_attempts_vote_and_the_row_is_of_the_majority() -> None:
    [row] = made(WRONG, RIGHT, ALSO_RIGHT)[0].kept
    assert row.attributes["final_answer"] == RIGHT["answer"]
    assert row.attributes["votes"]["agreeing"] == 2


@pytest.mark.parametrize(
    ("attempts", "reason"),
    [
        ((RIGHT, WRONG, UNKNOWN), "not_consistent"),
        ((RIGHT, WRONG, {}), "not_consistent"),
        ((UNKNOWN, UNKNOWN, RIGHT), "unanswerable"),
        (({}, {}, {}), "parse_error"),
    ],
)
def test_without_a_majority_for_an_answer_there_is_no_row(attempts: Any, reason: str) -> None:
    assert only_drop(made(*attempts)[0]).reason == reason


def with_steps(*steps: tuple[str, str]) -> dict[str, Any]:
    return RIGHT | {"steps": [{"quote": quote, "thought": thought} for quote, thought in steps]}


ONE, TWO = ("The ferry Aurora leaves Norvik at 07:40.", "It leaves at 07:40."), ("", "That is 15 minutes later.")


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        (with_steps(ONE), "wrong_step_count"),
        (with_steps(TWO, ("", "So it is 15 minutes.")), "ungrounded_steps"),
        (with_steps(ONE, TWO, TWO), "repeated_step"),
        (with_steps(ONE, ("", "</think> So it is.")), "copied_prompt"),
        (with_steps(ONE, ("Zebras graze on the quay of Xanadu.", "There are zebras.")), "no_source"),
        (with_steps(ONE, ("", "Теперь вычислим разницу, она равна пятнадцати минутам ровно.")), "wrong_language"),
    ],
)
def test_steps_are_counted_bound_to_quotes_and_read(attempt: dict[str, Any], reason: str) -> None:
    assert only_drop(made(attempt)[0]).reason == reason


def test_of_those_that_agree_one_whose_steps_are_in_order_is_taken() -> None:
    [row] = made(with_steps(ONE), RIGHT)[0].kept
    assert len(row.attributes["steps"]) == 3


@pytest.mark.parametrize(
    ("grade", "reason"),
    [
        ({"soundness": 3}, "unsound_steps"),
        ({"conclusion": 1}, "wrong_conclusion"),
        ({"thought_needed": 1}, "no_thought_needed"),
        ({"own_answer": "20 minutes"}, "other_conclusion"),
    ],
)
def test_the_judge_works_it_out_and_grades_steps_answer_and_question(grade: dict[str, Any], reason: str) -> None:
    assert only_drop(made(RIGHT, judged=GRADES | grade)[0]).reason == reason


@pytest.mark.parametrize("options", [{"samples": 0}, {"min_agreeing": 0}, {"steps": {"min": 5, "max": 4}}])
def test_options_that_mean_nothing_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReasoningOptions.model_validate(options)
