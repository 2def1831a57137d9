"""A broker that dies again and again, forgets everything, or goes silent towards a worker that still seems alive."""

import random
import time
from pathlib import Path

import pytest

from tests.fakes.process import FakeModel
from tests.fakes.proxy import FaultProxy
from tests.faults.conftest import SMALL, broker, calls, ferries, go_on, pause, seeds, supervised
from tests.faults.verify import verify_job
from tests.faults.witness import Service
from tests.service import FINAL, wait
from workers.watchdog import EXIT_STATUS

DEAF_SECONDS = 4


@pytest.mark.parametrize("seed", seeds(1))
def test_a_broker_killed_three_times_in_a_run_needs_nobody_to_help(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with (
        FakeModel({"seed": seed}, latency_ms=150, slots=8) as model,
        Service(tmp_path, model_url=model.url, worker_deaf_seconds=DEAF_SECONDS) as service,
    ):
        service.kill("valkey")  # documents and a dataset come while there is none
        dataset = service.dataset(service.corpus({"a.txt": ferries(24)}), **SMALL)
        assert service.http.get("/readyz").status_code == 503
        service.start("valkey")
        for _ in range(2):
            more = calls(service, dataset) + chance.randrange(1, 60)
            wait(supervised(service, lambda more=more: calls(service, dataset) >= more), 60)  # type: ignore[misc]
            service.kill("valkey")
            time.sleep(chance.uniform(0, 2))
            service.start("valkey")
        wait(supervised(service, lambda: service.get(dataset)["status"] in FINAL), 90)
        assert service.get(dataset)["status"] == "succeeded", service.get(dataset)
        verify_job(service, model, dataset, killed_in_flight=0)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_broker_that_forgets_every_doorbell_at_half_time_loses_no_work(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        FakeModel({"seed": seed}, latency_ms=150) as model,
        Service(tmp_path, model_url=model.url) as service,
        broker(service) as client,
    ):
        corpus = service.corpus({"a.txt": ferries(16)})
        dataset = service.dataset(corpus, **SMALL)
        wait(lambda: calls(service, dataset) > random.Random(seed).uniform(1, 100), 60)
        client.flushall()
        pause(service, "cpu")  # so that doorbells lie in the queue, and are all there is, when it is flushed again
        wait(lambda: service.get(dataset)["status"] == "selecting", 60)
        another = service.dataset(corpus, **SMALL)
        wait(lambda: client.llen("cpu") >= 2, 30)
        client.flushall()
        go_on(service, "cpu")
        flushed = time.monotonic()
        for name in (dataset, another):
            assert service.finished(name)["status"] == "succeeded"
        with capsys.disabled():
            print(f"\nseed {seed}: ended {time.monotonic() - flushed:.1f} s after FLUSHALL")  # noqa: T201
        verify_job(service, model, dataset, killed_in_flight=0)
        verify_job(service, model, another, killed_in_flight=0)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_worker_whose_connection_went_silent_ends_itself_and_its_successor_does_the_work(
    seed: int, tmp_path: Path
) -> None:
    part = ("cpu", "llm1")[seed % 2]
    with (
        FakeModel({"seed": seed}, latency_ms=30) as model,
        Service(tmp_path, model_url=model.url, worker_deaf_seconds=DEAF_SECONDS) as service,
        FaultProxy(service.settings().broker_url.removeprefix("redis+socket://")) as proxy,
    ):
        service.kill(part)
        service.env["CORPUSMITH_BROKER_URL"] = f"redis://{proxy.address}/0"
        service.start(part)
        del service.env["CORPUSMITH_BROKER_URL"]
        wait(lambda: proxy.bytes["down"] > 0, 30)
        time.sleep(random.Random(seed).uniform(1, 3))
        worker = service.processes[part]
        proxy.deafen()  # the worker's connections stay open, and nothing comes over them any more
        dataset = service.dataset(service.corpus({"a.txt": ferries(8)}), **SMALL)
        wait(lambda: worker.poll() is not None, 60)
        assert worker.returncode == EXIT_STATUS
        assert "worker.deaf" in service.log(part)
        service.start(part)
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        verify_job(service, model, dataset, killed_in_flight=0)
