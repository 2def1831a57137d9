"""Labelled texts from a scripted model: who must agree, what is told to whom, and which labels can be found."""

from typing import Any

import pytest

from app import catalog
from app.catalog.tasks.classify import ClassifyOptions
from app.datasets import checks
from app.domain import Dropped, Sample
from app.errors import InvalidRequest
from app.replies.text import FoundLabel
from tests.workers.scripted import Scripted, context, made_by
from workers.labels import _different

TEXT = "A single ticket costs 12 euros. Children under six travel free of charge."
ABOUT = context(TEXT)
LABELS = {"timetable": "when ferries leave", "fares": "what tickets cost", "animals": ""}


def says(*labels: str) -> dict[str, Any]:
    return {"reason": "It says so.", "labels": list(labels)}


def rows(script: Scripted, place: int = 0, **options: Any) -> list[Sample | Dropped]:
    outcome = made_by("classify", script, ABOUT, place=place, labels=LABELS, **options)
    return [*outcome.kept, *outcome.dropped]


def test_a_text_and_its_label_hold_all_that_one_needs_to_answer() -> None:
    script = Scripted(classify__label=says("Fares"), judge__label=says("fares"))
    (row,) = rows(script)
    assert isinstance(row, Sample)
    assert row.answer == "fares"
    assert row.question == (
        "Which of these labels fits the following text? Answer with the label alone.\nLabels:\n"
        f"- timetable: when ferries leave\n- fares: what tickets cost\n- animals\n\n{TEXT}"
    )
    assert row.attributes["labels"] == ["fares"]
    assert [span.quote for span in row.sources] == [TEXT]


def test_the_judge_is_not_told_the_label_and_reads_the_labels_in_another_order() -> None:
    orders = set()
    for place in range(6):
        script = Scripted(classify__label=says("fares"), judge__label=says("fares"))
        rows(script, place=place)
        (label, _, told, _), (judge, role, shown, instruction) = script.asked
        assert (label, judge, role) == ("classify/label@1", "judge/label@1", "judge")
        assert sorted(told["labels"]) == sorted(shown["labels"])
        assert instruction.count("fares") == 1
        orders.add((tuple(told["labels"]), tuple(shown["labels"])))
    assert any(told != shown for told, shown in orders)
    assert len({told for told, _ in orders}) > 1


@pytest.mark.parametrize(
    ("given", "judged", "several", "reason"),
    [
        (["fares"], ["timetable"], False, "label_disagrees"),
        (["fares"], ["none"], False, "label_disagrees"),
        (["none"], ["fares"], False, "no_label"),
        (["weather"], ["fares"], False, "no_label"),
        (["fares", "animals"], ["fares"], True, "label_disagrees"),
    ],
)
def test_a_label_that_only_one_of_them_gives_is_no_row(
    given: list[str], judged: list[str], several: bool, reason: str
) -> None:
    (row,) = rows(Scripted(classify__label=says(*given), judge__label=says(*judged)), multi_label=several)
    assert isinstance(row, Dropped)
    assert row.reason == reason


def test_several_labels_agree_in_any_order() -> None:
    script = Scripted(classify__label=says("animals", "fares"), judge__label=says("fares", "animals"))
    (row,) = rows(script, multi_label=True)
    assert row.answer == "fares, animals"
    assert "separated by commas" in row.question


def test_written_texts_take_turns_with_the_labels_and_are_judged_alone() -> None:
    def judged(values: dict[str, Any]) -> dict[str, Any]:
        return says("animals")

    found: list[Sample | Dropped] = []
    for place in range(3):
        script = Scripted(
            classify__examples={"texts": ["May I bring my dog along?", "What do I pay for a bike?"]},
            judge__label=judged,
        )
        found += rows(script, place=place, label_chunks=False, generate=2)
        assert len(script.instructions("classify/examples")) == 1
    assert sorted(row.attributes["labels"][0] for row in found) == sorted([*LABELS] * 2)
    kept = [row for row in found if isinstance(row, Sample)]
    assert [row.answer for row in kept] == ["animals", "animals"]
    assert all(row.sources == () for row in kept)


def test_near_copies_are_told_by_text_and_label_and_not_by_the_list_of_labels() -> None:
    alike = catalog.TASKS["classify"].alike
    assert alike
    assert alike("Which?\n- a\n- b\n\nA text.", "a", {"request": "Which?\n- a\n- b"}).split() == ["A", "text.", "a"]


def test_found_labels_differ_and_come_by_how_often_they_were_proposed() -> None:
    proposed = [("Fares", "x"), ("timetable, ferries", ""), ("none", ""), ("fares", "y"), ("dogs", "")]
    found = _different([FoundLabel(name=name, description=said) for name, said in proposed])
    assert [(label.name, label.description) for label in found] == [
        ("Fares", "x"), ("timetable ferries", ""), ("dogs", "")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [
        {"labels": ["one"]},
        {"labels": ["a", "A"]},
        {"labels": ["a", "None"]},
        {"labels": {"a, b": "", "c": ""}},
        {"labels": {"a": "x" * 301, "c": ""}},
        {"labels": [" ", "b"]},
        {"label_chunks": False},
        {"induce": 1},
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused_when_asked_for(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        checks.options(catalog.TASKS["classify"], options)
    assert ClassifyOptions(labels=["a", " b "]).labels == {"a": "", "b": ""}
