"""Runs and workers that are killed or frozen: jobs finish, no step counts twice, no job is trained twice at once."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from openai import OpenAI

from tests.service import Service, wait
from tests.trainings.conftest import at_step, children, metrics, quick, sdk, told, training_service, until

pytestmark = pytest.mark.timeout(900)  # a run loads its libraries each time it starts
STEPS = 120


def create(client: OpenAI, rows: Path, **hyperparameters: Any) -> str:
    file = client.files.create(file=rows, purpose="fine-tune")
    return client.fine_tuning.jobs.create(
        model="tiny", training_file=file.id, extra_body=quick(n_epochs=100, **hyperparameters)
    ).id


@contextmanager
def counted(*job_ids: str) -> Iterator[list[int]]:
    """How many processes trained any of these jobs, each time somebody looked."""
    seen: list[int] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.1):
            seen.append(sum(len(children(job_id)) for job_id in job_ids))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def kill_child(job_id: str) -> None:
    wait(lambda: bool(children(job_id)), 60)
    for child in children(job_id):
        child.kill()


def holder(service: Service, job_id: str) -> str:
    """The gpu worker whose guard keeps this job's child."""
    (child,) = children(job_id)
    above = {parent.pid for parent in psutil.Process(child.pid).parents()}
    return next(name for name in service.gpu_names if service.processes[name].pid in above)


def check_steps(client: OpenAI, job_id: str, steps: int) -> None:
    assert [step["step"] for step in metrics(client, job_id)] == list(range(1, steps + 1))


def test_a_killed_run_and_a_killed_worker_cost_the_steps_since_the_last_checkpoint(
    tmp_path: Path, base: Path, rows: Path
) -> None:
    with training_service(tmp_path, base, gpu_workers=2) as service:
        client = sdk(service)
        job, other = create(client, rows, max_steps=STEPS), create(client, rows, max_steps=4)
        with counted(job, other) as seen:
            at_step(client, job, 15)
            kill_child(job)
            at_step(client, job, 40)
            name = holder(service, job)
            service.processes[name].kill()
            service.processes.pop(name).wait()
            service.start(name)
            until(client, job, "succeeded", seconds=400)
            until(client, other, "succeeded", seconds=400)
        assert max(seen) == 1  # the device was one run's, too
        check_steps(client, job, STEPS)
        check_steps(client, other, 4)
        said = told(client, job)
        assert "The run ended without a word; it goes on from its newest checkpoint" in said
        starts = [int(line.rpartition(" ")[2]) for line in said if line.startswith("goes on from step")]
        assert len(starts) == 2 and starts[0] >= 12 and starts[1] >= 36, starts
        steps = [checkpoint.step_number for checkpoint in client.fine_tuning.jobs.checkpoints.list(job, limit=100)]
        assert steps == sorted(set(steps), reverse=True) and steps[0] == STEPS


def test_a_worker_that_is_asked_to_end_saves_first_and_the_next_one_loses_no_step(service: Service, rows: Path) -> None:
    client = sdk(service)
    job = create(client, rows, max_steps=60)
    at_step(client, job, 8)
    worker = service.processes.pop("gpu1")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(120) == 0
    reached = metrics(client, job)[-1]["step"]
    assert client.fine_tuning.jobs.retrieve(job).status == "running"
    service.start("gpu1")
    until(client, job, "succeeded")
    check_steps(client, job, 60)
    assert f"goes on from step {reached:.0f}" in told(client, job)


def test_a_frozen_worker_loses_its_run_to_another_and_does_no_harm_when_it_wakes(
    tmp_path: Path, base: Path, rows: Path
) -> None:
    with training_service(tmp_path, base, gpu_workers=2) as service:
        client = sdk(service)
        job = create(client, rows, max_steps=STEPS)
        with counted(job) as seen:
            at_step(client, job, 15)
            frozen = holder(service, job)
            service.processes[frozen].send_signal(signal.SIGSTOP)
            first = {child.pid for child in children(job)}
            try:
                wait(lambda: not first & {child.pid for child in children(job)}, 30)
                wait(lambda: bool(children(job)) and holder(service, job) != frozen, 60)
            finally:
                service.processes[frozen].send_signal(signal.SIGCONT)
            until(client, job, "succeeded", seconds=400)
        assert max(seen) == 1
        check_steps(client, job, STEPS)
        time.sleep(2)
        assert client.fine_tuning.jobs.retrieve(job).status == "succeeded"


def test_a_run_that_dies_again_and_again_ends_as_killed(service: Service, rows: Path) -> None:
    client = sdk(service)
    job = create(client, rows, max_steps=STEPS)
    for _ in range(3):
        kill_child(job)
        wait(lambda: not children(job), 10)
    failed = until(client, job, "failed")
    assert failed.error is not None and failed.error.code == "killed"
    assert "3 times" in failed.error.message
