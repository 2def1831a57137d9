"""The exam's page: gains and costs with their intervals, what was left out, weak facts, and no markup of others."""

import re
from typing import Any

from app.exams.page import render
from app.exams.records import ExamReport, Gain, General, HeldOutLoss, Interval, Scores, WeakFact
from app.exams.schemas import ExamRead
from app.reports import charts

ZERO = Interval(value=-0.0001, low=-0.05, high=0.0499)
CLEAR = Interval(value=0.32, low=0.21, high=0.43)
LOSS = Interval(value=-0.2, low=-0.3, high=-0.1)


def gain(of: str, over: str, group: Any, difference: Interval, facts: int = 9) -> Gain:
    return Gain(of=of, over=over, group=group, metric="f1", questions=9, facts=facts, difference=difference)


REPORT = ExamReport(
    metric="f1",
    scores=(Scores(candidate="tuned", group="reworded", questions=9, means={"f1": 0.42}),),
    gains=(
        gain("tuned", "base", "reworded", CLEAR, facts=1),
        gain("tuned", "control", "reworded", LOSS),
        gain("tuned", "base", "unseen", ZERO),
    ),
    general=(General(candidate="tuned", questions=48, share=0.5, change=LOSS),),
    held_out=(HeldOutLoss(candidate="tuned", loss=19.0, perplexity=1.78e8, tokens=12345),),
    weak=(
        WeakFact(
            question="<script>alert(1)</script>", answer="\u202eabc", said="", base_said="No idea.", score=0.0,
            group="unseen",
        ),
    ),
    questions={"reworded": 9, "unseen": 9}, left_out={"near_copy_in_training": 2, "only_row_of_its_fact": 1},
    device="cpu", precision="float32",
)  # fmt: skip


def shown(report: ExamReport | None, **changed: Any) -> str:
    return render(
        ExamRead(
            **{
                "id": "exam_1", "job_id": "ftjob_1", "model": "ft:tiny:default::abc", "base_model": "tiny",
                "method": "sft", "variant": "lora", "status": "succeeded", "questions": 18, "error": None,
                "report": report, "created_at": 1, "finished_at": 2,
            } | changed
        )
    )  # fmt: skip


def test_the_page_tells_gain_cost_and_what_is_not_told_apart() -> None:
    page = shown(REPORT)
    tiles = re.findall(r'<div class="tile"><dt>(.*?)</dt><dd>(\S+) <small>(.*?)</small><small>(.*?)</small>', page)
    assert [(name, value, "not told apart" in text) for name, value, text, _ in tiles] == [
        ("Facts it was trained on, asked in other words", "+32.0", False),
        ("Facts of the same documents that it was not trained on", "+0.0", True),
        ("General knowledge: what it cost elsewhere", "-20.0", False),
    ]
    assert tiles[0][3] == "9 questions about 1 fact"
    assert "ft:tiny:default::abc" in page and "<code>tiny</code>" in page
    assert "2 were left out: the rows that are trained on have a near copy." in page
    assert "1 was left out: no other row about the fact could be trained on." in page
    assert "what is gained over it is knowledge, not style" in page
    assert "1.8e+08" in page and "12,345" in page


def test_what_models_and_documents_say_is_text() -> None:
    page = shown(REPORT)
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert "\u202e" not in page
    assert "No idea." in page


def test_metrics_that_nothing_was_graded_by_take_no_column() -> None:
    page = shown(REPORT)
    assert "F1 of words" in page
    assert "judge&#39;s grade" not in page and "ROUGE-L" not in page


def test_an_exam_that_was_not_taken_or_had_no_questions_says_so() -> None:
    failed = shown(None, status="failed", model=None, error={"code": "exam_failed", "message": "it <ended>"})
    assert "could not be taken: it &lt;ended&gt;" in failed
    assert "18 questions wait" in shown(None, status="waiting", finished_at=None)
    empty = REPORT.model_copy(update={"gains": (), "scores": (), "general": (), "weak": (), "held_out": ()})
    assert "no gain is told" in shown(empty)


def test_an_interval_is_drawn_where_it_is_and_named_by_its_side_of_zero() -> None:
    def drawn(found: Interval, most: float = 0.5) -> tuple[str, list[float]]:
        svg = str(charts.interval(found.low, found.value, found.high, most, "x"))
        line = re.search(r'<line class="span (\w+)" x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)"', svg)
        point = re.search(r'<circle class="\w+" cx="([\d.]+)"', svg)
        assert line and point, svg
        return line[1], [float(line[2]), float(point[1]), float(line[3])]

    middle = charts.WIDTH / 2
    for found, kind in ((CLEAR, "gain"), (LOSS, "loss"), (ZERO, "unclear")):
        name, (low, value, high) = drawn(found)
        assert name == kind
        assert low < value < high
    assert drawn(CLEAR)[1][0] > middle > drawn(LOSS)[1][2]
    far = drawn(Interval(value=3.0, low=-3.0, high=9.0))[1]
    assert 0 < far[0] < far[2] < charts.WIDTH, "what is beyond the scale ends at its edge"
