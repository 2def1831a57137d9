"""The judge of a round of online DPO, in this process over the fake server: grades, limits, replays, and its end."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from app.db import reading, transaction
from app.models import Training, TrainingEvent
from app.settings import settings
from tests.api.test_model_exports import trained
from tests.fakes.process import FakeModel
from workers.round_judge import RoundJudge, spent
from workers.training import rounds
from workers.training_files import Unreadable

LINES = [
    {"turns": [{"role": "user", "content": f"Where is firm {i}?"}], "answers": ["In Orlin.", "", "It is in Tavesk."]}
    for i in range(3)
]


@pytest.fixture
def server(client: TestClient, environment: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    client.get("/v1/models")  # the tenant is there from now on
    with FakeModel({"seed": 1}, model="fake") as found:
        environment.setattr(settings(), "generator_url", found.url)
        yield found


def waiting(folder: Path, **options: Any) -> tuple[RoundJudge, Path]:
    """A judge, and the folder of a round whose answers wait for it."""
    job = trained(method="online_dpo", status="running", fine_tuned_model=None)
    with transaction() as session:
        training = session.get_one(Training, job)
        training.spec = training.spec | {"method_options": options}
    round_ = folder / rounds.ROUNDS / "1"
    round_.mkdir(parents=True, exist_ok=True)
    (round_ / rounds.ANSWERS).write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in LINES))
    return RoundJudge(training, folder), round_


def judged(judge: RoundJudge, round_: Path) -> list[list[float | None]]:
    end = time.monotonic() + 60
    while not (round_ / rounds.SCORES).exists():
        judge.look()
        assert time.monotonic() < end
        time.sleep(0.02)
    judge.stop()
    return [orjson.loads(line) for line in (round_ / rounds.SCORES).read_bytes().splitlines()]


def told(judge: RoundJudge) -> list[TrainingEvent]:
    with reading() as session:
        return session.query(TrainingEvent).filter_by(training_id=judge.training.id).order_by(TrainingEvent.id).all()


def test_each_answer_gets_a_grade_and_a_second_judge_pays_nothing(server: FakeModel, tmp_path: Path) -> None:
    judge, round_ = waiting(tmp_path)
    first = judged(judge, round_)
    assert all(0 <= grade <= 1 for scores in first for grade in (scores[0], scores[2]) if grade is not None)
    assert [scores[1] for scores in first] == [None] * 3, "an empty answer is not shown"
    assert None not in [scores[0] for scores in first]
    assert server.bill().total == spent(judge.training.id) == 3
    (round_ / rounds.SCORES).unlink()  # as after a crash between the last reply and the scores
    assert judged(RoundJudge(judge.training, tmp_path), round_) == first
    assert server.bill().total == 3
    with reading() as session:
        assert session.get_one(Training, judge.training.id).judge_calls == 3


def test_no_call_is_made_over_the_limit_and_what_is_left_out_is_told(server: FakeModel, tmp_path: Path) -> None:
    judge, round_ = waiting(tmp_path, most_judge_calls=2)
    found = judged(judge, round_)
    assert server.bill().total == 2
    assert sum(scores[0] is not None for scores in found) == 2
    assert [event.data.get("code") for event in told(judge)] == [None, "answers_not_graded"]


def test_a_judge_that_does_not_exist_ends_the_run_by_name(
    server: FakeModel, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setattr(settings(), "judge_model", "nobody")
    judge, round_ = waiting(tmp_path)
    with pytest.raises(Unreadable) as failed:
        judged(judge, round_)
    assert failed.value.code == "model_not_found"
    judge.stop()


def test_a_judge_that_is_down_is_told_of_and_can_be_stopped(server: FakeModel, tmp_path: Path) -> None:
    judge, round_ = waiting(tmp_path)
    server.kill()
    judge.look()
    end = time.monotonic() + 60
    while not any("waits for the judge" in event.message for event in told(judge)):
        judge.look()
        assert time.monotonic() < end
        time.sleep(0.1)
    judge.stop()
    assert not (round_ / rounds.SCORES).exists()
