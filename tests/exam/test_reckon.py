"""Grades by reference, intervals that hold what they promise, and a report that says who gained what."""

import random

import pytest

from app.exams.records import Answers, ExamQuestion, Sat
from workers.exam import bootstrap
from workers.exam.general import every, some
from workers.exam.grade import by_reference, exact_match, f1
from workers.exam.reckon import report


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("It leaves at 07:40.", "it leaves at 07:40", 1.0),
        ("The ferry", "ferry", 1.0),
        ("It leaves at 07:45.", "It leaves at 07:40.", 0.75),
        ("", "Orlin", 0.0),
        ("Paris", "Orlin", 0.0),
        ("東京都", "東京", 0.8),
    ],
)
def test_f1_counts_common_words(answer: str, reference: str, expected: float) -> None:
    assert f1(answer, reference) == pytest.approx(expected)


def test_exact_match_minds_neither_case_nor_punctuation_but_numbers() -> None:
    assert exact_match("The Orlin!", "orlin") == 1.0
    assert exact_match("1.5 km", "15 km") == 0.0
    assert set(by_reference("a", "b")) == {"exact_match", "f1", "rouge_l"}


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    draw, inside = random.Random(5), 0
    for trial in range(200):
        values = [0.2 + draw.gauss(0, 0.3) for _ in range(60)]
        found = bootstrap.paired(values, [str(i) for i in range(60)], seed=trial)
        inside += found.low <= 0.2 <= found.high
    assert 180 <= inside <= 199


def test_questions_about_one_fact_make_the_interval_no_narrower() -> None:
    values = [float(i % 2) for i in range(20)]
    alone = bootstrap.paired(values, [str(i) for i in range(20)], seed=0)
    copied = bootstrap.paired(values * 10, [str(i) for i in range(20)] * 10, seed=0)
    assert copied.high - copied.low == pytest.approx(alone.high - alone.low, rel=0.05)


def questions() -> list[ExamQuestion]:
    return [
        ExamQuestion(
            id=str(i), group="reworded" if i < 20 else "unseen", fact=f"f{i}", question=f"q{i}", answer=f"a{i}"
        )
        for i in range(30)
    ]


def sat(right: dict[str, int]) -> Sat:
    """Candidates that know the first so many answers."""
    texts = {name: tuple(f"a{i}" if i < known else "no" for i in range(30)) for name, known in right.items()}
    return Sat(
        answers=tuple(
            Answers(candidate=name, texts=said, general=(True, False, name != "tuned"), loss=1.0, tokens=9)
            for name, said in texts.items()
        ),
        device="cpu",
        precision="float32",
    )


def test_the_report_tells_gain_cost_and_weak_facts() -> None:
    taken = sat({"base": 2, "tuned": 18, "control": 3})
    grades = {
        answers.candidate: [{"f1": f1(text, q.answer)} for text, q in zip(answers.texts, questions(), strict=True)]
        for answers in taken.answers
    }
    found = report(questions(), taken, grades, metric="f1", seed=3, left_out={"near_copy_in_training": 2})  # type: ignore[arg-type]
    gain = found.gain("reworded")
    assert gain is not None
    assert gain.difference.value == pytest.approx(0.8)
    assert gain.difference.above_zero
    unseen = found.gain("unseen")
    assert unseen is not None
    assert (unseen.difference.low, unseen.difference.high) == (0.0, 0.0)
    over_control = found.gain("reworded", over="control")
    assert over_control is not None
    assert over_control.difference.value == pytest.approx(0.75)
    assert [general.share for general in found.general] == [0.6667, 0.3333, 0.6667]
    assert found.general[0].change is None
    assert found.general[1].change is not None
    assert found.general[1].change.value == pytest.approx(-1 / 3)
    assert [fact.question for fact in found.weak][:2] == ["q18", "q19"]
    assert len(found.weak) == 12
    assert found.held_out[0].perplexity == pytest.approx(2.7183)


def test_the_general_set_is_sound() -> None:
    found = every()
    assert len(found) == len({question.question for question in found}) >= 48
    assert all(len(set(question.options)) == 4 and 0 <= question.right < 4 for question in found)
    places = [question.right for question in found]
    assert all(places.count(place) >= 6 for place in range(4)), "the place of the right option tells nothing"
    assert [len(some(count)) for count in (1, 7, 48, 100)] == [1, 7, len(found) if len(found) < 48 else 48, len(found)]
