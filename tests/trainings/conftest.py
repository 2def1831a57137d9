"""A whole service with a gpu worker on the CPU, and a tiny random model to train."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from openai import OpenAI

from tests.service import Service
from tests.training import tiny

FINAL = ("succeeded", "failed", "cancelled")


@pytest.fixture(scope="package")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a causal language model of 2 layers."""
    return tiny.model(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture(scope="package")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 rows of chat."""
    return tiny.written(tmp_path_factory.mktemp("rows") / "rows.jsonl", tiny.chat_rows(24))


def training_service(folder: Path, base: Path, gpu_workers: int = 1, **settings: Any) -> Service:
    """API, broker, clock, a cpu worker and some gpu workers, which all have one CPU to train on."""
    fast: dict[str, Any] = {
        "lease_seconds": 8,
        "base_models": f'{{"tiny": "{base}"}}',
        "train_devices": "cpu",
    } | settings
    return Service(folder, model_url="http://127.0.0.1:9/v1", llm_workers=0, gpu_workers=gpu_workers, **fast)


@pytest.fixture
def service(tmp_path: Path, base: Path) -> Iterator[Service]:
    with training_service(tmp_path, base) as found:
        yield found


def sdk(service: Service, **more: Any) -> OpenAI:
    return OpenAI(base_url=f"{service.http.base_url}/v1", api_key="none", **more)


def quick(**changes: Any) -> dict[str, Any]:
    """The extension of a request: few tokens a row, a checkpoint every few steps."""
    hyperparameters = {"max_length": 64, "batch_size": 2, "checkpoint_every": 6} | changes
    return {"corpusmith": {"hyperparameters": hyperparameters}}


def until(client: OpenAI, job_id: str, *statuses: str, seconds: float = 400) -> Any:
    """The job, once it has one of these statuses."""
    end = time.monotonic() + seconds
    while (job := client.fine_tuning.jobs.retrieve(job_id)).status not in statuses:
        ended = job.status in FINAL
        assert time.monotonic() < end and not ended, f"{job.model_dump_json(indent=1)}\n{told(client, job_id)}"
        time.sleep(0.1)
    return job


def at_step(client: OpenAI, job_id: str, step: int, seconds: float = 400) -> None:
    """Wait until the run has come so far."""
    end = time.monotonic() + seconds
    while (job := client.fine_tuning.jobs.retrieve(job_id)).corpusmith["step"] < step:  # type: ignore[attr-defined]
        assert time.monotonic() < end and job.status not in FINAL, f"{job}\n{told(client, job_id)}"
        time.sleep(0.1)


def told(client: OpenAI, job_id: str) -> list[str]:
    """All that was said of a job, oldest first."""
    return [event.message for event in client.fine_tuning.jobs.list_events(job_id, limit=100)][::-1]


def metrics(client: OpenAI, job_id: str) -> list[dict[str, float]]:
    """The numbers of every step, in the order in which they were first told."""
    events = client.fine_tuning.jobs.list_events(job_id, limit=100)
    found: list[Any] = [event.data for event in events if event.type == "metrics"]
    return found[::-1]


def children(job_id: str) -> list[psutil.Process]:
    """Processes that train this job at this moment; their guards and helpers are not among them."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        trains = words[1:3] == ["-m", "workers.training"] and words[-1].endswith(job_id)
        if trains and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found
