"""OpenAI's own SDK drives files, fine-tuning jobs and models of a whole service, down to a child that really trains."""

import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import BadRequestError, NotFoundError, OpenAI

from tests.service import Service
from tests.trainings.conftest import at_step, children, metrics, quick, sdk, told, training_service, until

pytestmark = pytest.mark.timeout(900)  # a run loads its libraries each time it starts


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Iterator[Service]:
    with training_service(tmp_path_factory.mktemp("service"), base) as found:
        yield found


@pytest.fixture(scope="module")
def client(service: Service) -> OpenAI:
    return sdk(service)


@pytest.fixture(scope="module")
def file(client: OpenAI, rows: Path) -> str:
    return client.files.create(file=rows, purpose="fine-tune").id


@pytest.fixture(scope="module")
def trained(client: OpenAI, file: str) -> Any:
    """A job that has succeeded."""
    job = client.fine_tuning.jobs.create(
        model="tiny", training_file=file, validation_file=file, suffix="towns", metadata={"team": "red"}, seed=7,
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}}, extra_body=quick(),
    )  # fmt: skip
    assert job.status == "validating_files"
    return until(client, job.id, "succeeded")


def test_a_trained_job_says_all_that_the_sdk_knows_of(client: OpenAI, trained: Any, file: str) -> None:
    assert trained.fine_tuned_model == f"ft:tiny:default:towns:{trained.id[-10:]}"
    assert (trained.seed, trained.metadata, trained.organization_id) == (7, {"team": "red"}, "default")
    assert (trained.hyperparameters.n_epochs, trained.hyperparameters.batch_size) == (1, 2)
    assert trained.method.supervised.hyperparameters.learning_rate_multiplier == 1.0
    assert trained.trained_tokens > 100 and trained.finished_at >= trained.created_at
    assert (trained.error, trained.estimated_finish) == (None, None)
    said = told(client, trained.id)
    assert said[0] == f"Created fine-tuning job: {trained.id}"
    started = said.index("Fine-tuning job started")
    assert said[started - 1] == "Files validated, moving job to queued state"
    assert said[-2:] == [
        f"New fine-tuned model created: {trained.fine_tuned_model}",
        "The job has successfully completed",
    ]


def test_every_step_is_an_event_once_and_a_line_of_the_result_file(client: OpenAI, trained: Any) -> None:
    steps = metrics(client, trained.id)
    assert [step["step"] for step in steps] == list(range(1, 13))
    assert all(step["train_loss"] > 0 and step["total_steps"] == 12 for step in steps)
    (result,) = trained.result_files
    assert client.files.retrieve(result).purpose == "fine-tune-results"
    table = list(csv.DictReader(io.StringIO(client.files.content(result).text)))
    assert [int(row["step"]) for row in table] == list(range(1, 13))
    assert [float(row["train_loss"]) for row in table] == [step["train_loss"] for step in steps]
    assert [row["step"] for row in table if row["valid_loss"]] == ["6", "12"]


def test_checkpoints_are_listed_with_their_losses(client: OpenAI, trained: Any) -> None:
    found = list(client.fine_tuning.jobs.checkpoints.list(trained.id, limit=1))
    assert [checkpoint.step_number for checkpoint in found] == [12, 6]
    for checkpoint in found:
        assert checkpoint.fine_tuning_job_id == trained.id
        assert (
            checkpoint.fine_tuned_model_checkpoint == f"{trained.fine_tuned_model}:ckpt-step-{checkpoint.step_number}"
        )
        assert checkpoint.metrics.valid_loss and checkpoint.metrics.train_loss


def test_a_trained_model_is_trained_further_and_can_be_deleted(client: OpenAI, trained: Any, file: str) -> None:
    assert client.models.retrieve(trained.fine_tuned_model).owned_by == "default"
    job = client.fine_tuning.jobs.create(
        model=trained.fine_tuned_model, training_file=file, extra_body=quick(max_steps=2)
    )
    further = until(client, job.id, "succeeded")
    assert further.fine_tuned_model.startswith("ft:tiny:default::")
    assert {further.fine_tuned_model, trained.fine_tuned_model, "tiny"} <= {model.id for model in client.models.list()}
    assert client.models.delete(further.fine_tuned_model).deleted
    with pytest.raises(NotFoundError):
        client.models.retrieve(further.fine_tuned_model)


def status(job: Any) -> str:
    """Also `paused`, which the SDK's types do not know."""
    return str(job.status)


def gone(job_id: str, seconds: float = 30) -> None:
    """Wait until nothing trains this job."""
    end = time.monotonic() + seconds
    while children(job_id):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_running_job_is_paused_goes_on_and_is_cancelled_within_seconds(client: OpenAI, file: str) -> None:
    jobs = client.fine_tuning.jobs
    job = jobs.create(model="tiny", training_file=file, extra_body=quick(n_epochs=100))
    at_step(client, job.id, 3)
    running = jobs.retrieve(job.id)
    assert running.status == "running" and running.estimated_finish is not None
    assert status(jobs.pause(job.id)) == "paused"
    gone(job.id)
    time.sleep(1)
    reached = metrics(client, job.id)[-1]["step"]
    assert status(jobs.retrieve(job.id)) == "paused"
    assert jobs.checkpoints.list(job.id, limit=1).data[0].step_number == reached
    assert status(jobs.resume(job.id)) == "queued"
    at_step(client, job.id, int(reached) + 1)
    assert f"goes on from step {reached:.0f}" in told(client, job.id)
    assert status(jobs.cancel(job.id)) == "cancelled"
    gone(job.id)
    steps = [step["step"] for step in metrics(client, job.id)]
    assert steps == list(range(1, len(steps) + 1))
    assert status(jobs.retrieve(job.id)) == "cancelled"


def test_a_finished_job_cannot_be_cancelled_and_the_sdk_asks_once(service: Service, trained: Any) -> None:
    asked: list[str] = []
    hooks = {"request": [lambda request: asked.append(request.url.path)]}
    with httpx.Client(event_hooks=hooks) as http, pytest.raises(BadRequestError) as refused:
        sdk(service, http_client=http).fine_tuning.jobs.cancel(trained.id)
    assert (refused.value.code, refused.value.param) == ("wrong_state", "fine_tuning_job_id")
    assert len(asked) == 1


def test_a_reply_that_was_lost_makes_no_second_job(service: Service, client: OpenAI, file: str) -> None:
    lost: list[int] = []

    class Loses(httpx.HTTPTransport):
        """The first reply to a POST of a job, as a gateway in between would lose it."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            reply = super().handle_request(request)
            if request.method == "POST" and not lost:
                lost.append(reply.status_code)
                reply.read()
                return httpx.Response(502, request=request)
            return reply

    before = len(list(client.fine_tuning.jobs.list(limit=100)))
    with httpx.Client(transport=Loses()) as http:
        job = sdk(service, http_client=http).fine_tuning.jobs.create(
            model="tiny", training_file=file, extra_body={"corpusmith": {"start": False}}
        )
    assert lost == [200]
    assert len(list(client.fine_tuning.jobs.list(limit=100))) == before + 1
    client.fine_tuning.jobs.cancel(job.id)


def test_errors_name_code_and_field(client: OpenAI, file: str, rows: Path) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.fine_tuning.jobs.create(model="gpt-9", training_file=file)
    assert (refused.value.code, refused.value.param) == ("invalid_request", "model")
    assert refused.value.request_id
    with pytest.raises(NotFoundError) as missing:
        client.fine_tuning.jobs.retrieve("ftjob_none")
    assert (missing.value.code, missing.value.param) == ("not_found", "fine_tuning_job_id")
    bad = client.files.create(file=rows.read_bytes() + b'{"messages": 3}\n', purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="tiny", training_file=bad.id)
    failed = until(client, job.id, "failed")
    assert failed.error is not None
    assert (failed.error.code, failed.error.param) == ("invalid_training_file", "training_file")
    assert "line 25" in failed.error.message


def test_jobs_are_found_by_metadata_and_over_pages(client: OpenAI, trained: Any, file: str) -> None:
    wanted = {"corpusmith": {"start": False}}
    made = [
        client.fine_tuning.jobs.create(
            model="tiny", training_file=file, metadata={"batch": "b", "n": str(i)}, extra_body=wanted
        ).id
        for i in range(5)
    ]
    assert [job.id for job in client.fine_tuning.jobs.list(limit=2, metadata={"batch": "b"})] == made[::-1]
    assert [job.id for job in client.fine_tuning.jobs.list(metadata={"batch": "b", "n": "3"})] == [made[3]]
    assert [job.id for job in client.fine_tuning.jobs.list(metadata={"team": "red"})] == [trained.id]
    for job_id in made:
        client.fine_tuning.jobs.cancel(job_id)


def test_an_estimate_says_what_a_job_would_take(service: Service, file: str) -> None:
    body = {"model": "tiny", "training_file": file} | quick()
    found = Service.ok(service.http.post("/v1/fine_tuning/estimate", json=body))
    assert (found["object"], found["status"], found["error"]) == ("fine_tuning.estimate", "succeeded", None)
    estimate = found["estimate"]
    assert (estimate["rows"], estimate["steps"]) == (24, 24)
    assert min(estimate[name] for name in ("tokens", "trained_tokens", "memory", "seconds", "trained_parameters")) > 0
    assert "small_for_adapters" in {note["code"] for note in estimate["base"]["notes"]}
