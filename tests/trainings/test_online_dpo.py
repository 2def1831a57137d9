"""Online DPO over HTTP: answers are sampled, graded by the judge or a reward model, paired and learnt from."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from openai import OpenAI

from tests.fakes.process import FakeModel
from tests.service import Service, wait
from tests.training import tiny
from tests.trainings.conftest import FINAL, metrics, sdk, told, training_service, until

pytestmark = pytest.mark.timeout(1200)  # every part of a round loads its libraries
PROMPTS = 6
OPTIONS = {"rounds": 2, "answers": 3, "max_new_tokens": 8, "margin": 0.05, "longest_ratio": 100}
# The answers of a model of random weights are all alike to an honest judge; this one likes what it is shown first.
SCRIPT: dict[str, Any] = {"seed": 1, "habits": {"position": 2}}


def service_with(folder: Path, base: Path, judge: FakeModel, **settings: Any) -> Service:
    folder.mkdir(exist_ok=True)
    return training_service(folder, base, **{"generator_url": judge.url, "generator_model": "fake"} | settings)


def create(client: OpenAI, folder: Path, **options: Any) -> str:
    rows = tiny.written(folder / "prompts.jsonl", [{"prompt": tiny.question(i)} for i in range(PROMPTS)])
    file = client.files.create(file=rows, purpose="fine-tune").id
    numbers = {"n_epochs": 1, "batch_size": 2, "max_length": 128, "checkpoint_every": 1}
    ours = {"method": "online_dpo", "method_options": OPTIONS | options, "hyperparameters": numbers}
    return client.fine_tuning.jobs.create(model="tiny", training_file=file, seed=5, extra_body={"corpusmith": ours}).id


def said(client: OpenAI, job: str, words: str) -> None:
    """Wait until something was said of the job."""

    def found() -> bool:
        assert client.fine_tuning.jobs.retrieve(job).status not in FINAL, told(client, job)
        return any(words in line for line in told(client, job))

    wait(found, 400, lambda: "\n".join(told(client, job)))


def read(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_two_rounds_survive_the_death_of_their_worker_and_no_grade_is_paid_for_twice(
    tmp_path: Path, base: Path
) -> None:
    with FakeModel(SCRIPT, model="fake") as judge, service_with(tmp_path, base, judge) as service:
        client = sdk(service)
        job = create(client, tmp_path)
        said(client, job, "round 1: the judge graded")
        service.kill("gpu1")
        service.start("gpu1")
        done = until(client, job, "succeeded", seconds=900)
        ours: Any = done.model_dump()["corpusmith"]
        bill = judge.bill()
        assert ours["judge_calls"] == bill.total == bill.distinct == 2 * PROMPTS
        assert ours["estimate"]["judge_calls"] == 2 * PROMPTS
        assert ours["estimate"]["sampled_tokens"] == 2 * PROMPTS * 3 * 8
        assert ours["estimate"]["base"]["chat_template"] is True
        assert ours["steps"] <= ours["estimate"]["steps"] == 2 * 3
        assert "adapter_model.safetensors" in ours["adapter"]
        steps = [int(step["step"]) for step in metrics(client, job)]
        assert sorted(steps) == list(range(1, ours["step"] + 1)), "each step is told once"
        folder = tmp_path / "trainings" / job / "rounds"
        for number in ("1", "2"):
            pairs = read(folder / number / "pairs.jsonl")
            assert 0 < len(pairs) <= PROMPTS
            answers = {line["turns"][0]["content"]: line["answers"] for line in read(folder / number / "answers.jsonl")}
            for pair in pairs:
                assert {pair["chosen"], pair["rejected"]} <= set(answers[pair["prompt"][0]["content"]])
        assert not any(str(tmp_path) in line for line in told(client, job)), "no path of ours is told"


@pytest.mark.slow
def test_the_limit_of_calls_holds_and_a_judge_that_is_not_there_fails_the_job_by_name(
    tmp_path: Path, base: Path
) -> None:
    with FakeModel(SCRIPT, model="fake") as judge, service_with(tmp_path, base, judge) as service:
        client = sdk(service)
        job = create(client, tmp_path, most_judge_calls=2)
        done: Any = until(client, job, "succeeded", seconds=600).model_dump()["corpusmith"]
        assert done["judge_calls"] == judge.bill().total == 2
        assert done["estimate"]["judge_calls"] == 2
        events = client.fine_tuning.jobs.list_events(job, limit=100)
        codes = [event.data.get("code") for event in events if isinstance(event.data, dict)]
        assert codes.count("answers_not_graded") == 2
        assert "no_pairs_left" in codes, "the second round had no call left"
    with (
        FakeModel(SCRIPT, model="fake") as judge,
        service_with(tmp_path / "b", base, judge, judge_model="nobody") as service,
    ):
        client = sdk(service)
        job = create(client, tmp_path)
        failed = until(client, job, "failed", seconds=300)
        assert failed.error is not None
        assert (failed.error.code, judge.bill().total) == ("model_not_found", 0)


@pytest.mark.slow
def test_a_reward_model_that_was_trained_here_judges_in_place_of_the_judge(tmp_path: Path, base: Path) -> None:
    with FakeModel(SCRIPT, model="fake") as judge, service_with(tmp_path, base, judge) as service:
        client = sdk(service)
        pairs = tiny.written(tmp_path / "pairs.jsonl", tiny.pair_rows(8))
        file = client.files.create(file=pairs, purpose="fine-tune").id
        numbers = {"max_steps": 4, "batch_size": 4, "max_length": 128, "learning_rate": 1e-2}
        reward = client.fine_tuning.jobs.create(
            model="tiny", training_file=file, suffix="judge",
            extra_body={"corpusmith": {"method": "reward", "hyperparameters": numbers}},
        )  # fmt: skip
        scorer = until(client, reward.id, "succeeded", seconds=400).fine_tuned_model
        job = create(client, tmp_path, rounds=1, reward_model=scorer, margin=0.0)
        done: Any = until(client, job, "succeeded", seconds=600).model_dump()["corpusmith"]
        assert done["judge_calls"] is None and done["estimate"]["judge_calls"] == 0
        assert judge.bill().total == 0
        assert done["step"] >= 1
        scores = read(tmp_path / "trainings" / job / "rounds" / "1" / "scores.jsonl")
        assert len({value for found in scores for value in found}) > PROMPTS
