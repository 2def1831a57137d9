"""The gates that ask models, for one row, over a model server."""

from collections.abc import Awaitable

import pytest

from app.domain import Chunk, Context, Dropped, Sample, Span
from app.llm.asking import Asker
from tests.asking import ask, at
from tests.fakes.process import FakeModel
from workers import gates
from workers.recipes.work import Work

TEXT = "The ferry Aurora leaves Norvik at 07:40 every weekday. A single ticket for it costs 12 euros."
CHUNK = Chunk(id="c", document_id="d", document_name="a.txt", start=0, end=len(TEXT), text=TEXT)
SPAN = Span(
    document_id="d", document_name="a.txt", start=0, end=54, page=None, sha256="", quote=TEXT[:54], score=100.0
)  # fmt: skip
ROW = Sample(
    kind="original", question="When does the ferry Aurora leave Norvik on weekdays?", sources=(SPAN,),
    answer="The ferry Aurora leaves Norvik at 07:40 every weekday.",
)  # fmt: skip


def check(environment: pytest.MonkeyPatch, model: FakeModel, row: Sample, **wanted: float) -> Sample | Dropped:
    """What the gates `wanted` say about the row."""
    at(environment, generator_url=model.url)

    def of_row(asker: Asker) -> Awaitable[Sample | Dropped]:
        work = Work(
            task="grounded_qa", context=Context(id="x", chunks=(CHUNK,), language="en"), options={}, gates=wanted,
            language="English", seed="0", model=asker, models={},
        )  # fmt: skip
        return gates.check(work, row)

    found: Sample | Dropped = ask(of_row)
    return found


def scores(row: Sample | Dropped) -> dict[str, float]:
    return {verdict.metric: verdict.score for verdict in row.verdicts}


def test_a_good_row_passes_them_all_and_each_costs_what_its_entry_says(dataset: pytest.MonkeyPatch) -> None:
    wanted = {"round_trip": 60.0, "self_consistency": 0.66, "ifd": 1.0, "complexity": 2.0, "quality": 3.0}
    with FakeModel() as model:
        found = check(dataset, model, ROW, **wanted)
        assert isinstance(found, Sample), found
        assert model.bill().total == 1 + 3 + 2 + 1
        assert scores(found) == {"round_trip": 100, "self_consistency": 1, "complexity": 6, "quality": 6} | {
            "ifd": scores(found)["ifd"]
        }
        assert 0 < scores(found)["ifd"] < 1
        assert {"answer/again@1", "judge/standing@1"} <= set(found.lineage["prompts"])
        assert check(dataset, model, ROW, **wanted) == found
        assert model.bill().total == 7, "the same row again is replayed"


@pytest.mark.parametrize(
    ("gate", "threshold", "reason"),
    [("round_trip", 60.0, "no_round_trip"), ("self_consistency", 0.66, "not_consistent")],
)
def test_an_answer_that_does_not_come_again_is_dropped(
    dataset: pytest.MonkeyPatch, gate: str, threshold: float, reason: str
) -> None:
    wrong = ROW.model_copy(update={"answer": "The ferry Aurora leaves Norvik at 09:15 every weekday."})
    with FakeModel() as model:
        found = check(dataset, model, wrong, **{gate: threshold})
        assert isinstance(found, Dropped)
        assert found.reason == reason
        assert "07:40" in found.detail
        assert isinstance(check(dataset, model, wrong, **{gate: 0}), Sample), "0 records and keeps"


def test_low_grades_drop_and_the_complexity_is_looked_at_first(dataset: pytest.MonkeyPatch) -> None:
    with FakeModel({"faults": [{"fault": "low_score"}]}) as model:
        found = check(dataset, model, ROW, complexity=2.0, quality=3.0)
        assert isinstance(found, Dropped)
        assert (found.reason, scores(found)) == ("too_simple", {"complexity": 1, "quality": 1})


def test_a_question_that_does_not_help_the_answer_has_no_gain(dataset: pytest.MonkeyPatch) -> None:
    with FakeModel() as model:
        helped = scores(check(dataset, model, ROW, ifd=0))["ifd"]
        lost = scores(check(dataset, model, ROW.model_copy(update={"question": "Qwerty zzz?"}), ifd=0))["ifd"]
        assert helped < lost


def test_an_answer_of_one_token_is_not_measured(dataset: pytest.MonkeyPatch) -> None:
    with FakeModel() as model:
        found = check(dataset, model, replace_answer("Yes"), ifd=1.0)
        assert isinstance(found, Sample)


def replace_answer(answer: str) -> Sample:
    return ROW.model_copy(update={"answer": answer})
