"""A broker without memory, a full disk, a model server that refuses everything or never ends a reply."""

import random
import resource
import time
from pathlib import Path

import psutil
import pytest

from tests.fakes.process import FakeModel
from tests.faults.conftest import SMALL, broker, calls, ferries, seeds, settled, supervised
from tests.faults.verify import verify_job
from tests.faults.witness import Service
from tests.service import FINAL, wait


@pytest.mark.parametrize("seed", seeds(0))
def test_a_broker_without_memory_refuses_no_request_and_all_goes_on_when_it_has_some(seed: int, tmp_path: Path) -> None:
    with FakeModel({"seed": seed}, latency_ms=30) as model, Service(tmp_path, model_url=model.url) as service:
        corpus = service.corpus({})
        with broker(service) as client:
            client.config_set("maxmemory", "1")
            service.ok(service.http.put(f"/v1/corpora/{corpus}/documents/a.txt", content=ferries(8)))
            dataset = service.dataset(corpus, **SMALL)
            time.sleep(3)  # beats and sweeps that cannot send
            client.config_set("maxmemory", "0")
        # A worker that can neither read its queue nor say so ends.
        wait(supervised(service, lambda: service.get(dataset)["status"] in FINAL), 90)
        found = service.get(dataset)
        assert found["status"] == "succeeded", found
        verify_job(service, model, dataset, killed_in_flight=0)


@pytest.mark.parametrize("seed", seeds(1))
def test_an_export_without_room_fails_as_no_space_and_leaves_no_half_file(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    with (
        FakeModel({"seed": seed}) as model,
        Service(tmp_path, model_url=model.url, database_url=new_postgres_database) as service,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(12)}), **SMALL)
        assert service.finished(dataset)["status"] == "succeeded"
        blobs = {path for path in (tmp_path / "blobs").rglob("*") if path.is_file()}
        _limit_files(service, "cpu", 1_000 + 250 * seed)  # of about ten thousand
        export = service.exported(dataset)
        assert export["status"] == "failed"
        assert export["error"]["code"] == "no_space"
        assert {path for path in (tmp_path / "blobs").rglob("*") if path.is_file()} == blobs
        service.kill("cpu")
        service.start("cpu")
        assert service.exported(dataset)["status"] == "succeeded"
        verify_job(service, model, dataset, killed_in_flight=0)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_database_without_room_holds_the_rows_up_and_loses_nothing_that_was_paid_for(
    seed: int, tmp_path: Path
) -> None:
    with FakeModel({"seed": seed}, latency_ms=60, slots=8) as model, Service(tmp_path, model_url=model.url) as service:
        dataset = service.dataset(service.corpus({"a.txt": ferries(16)}), **SMALL)
        wait(lambda: calls(service, dataset) > random.Random(seed).uniform(1, 100), 60)
        _limit_files(service, "llm1", 4_096)  # neither the database nor the worker's own log can grow
        wait(settled(lambda: calls(service, dataset)), 30)
        wait(settled(lambda: model.stats()["requests"]), 30)
        assert service.get(dataset)["status"] == "generating"
        _limit_files(service, "llm1", resource.RLIM_INFINITY)
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        assert found["units"]["failed"] == 0
        verify_job(service, model, dataset, killed_in_flight=0)


def _limit_files(service: Service, name: str, size: int) -> None:
    """From now on no file of this part can grow beyond `size` bytes."""
    parent = psutil.Process(service.processes[name].pid)
    for process in (parent, *parent.children(recursive=True)):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.parametrize("seed", seeds(0))
def test_a_storm_of_429_is_answered_with_a_few_requests_a_second(seed: int, tmp_path: Path) -> None:
    seconds, window = 5, 32
    script = {"seed": seed, "faults": [{"fault": "http_429", "rate": 1.0, "for_seconds": seconds}]}
    with FakeModel() as model, Service(tmp_path, model_url=model.url, window_start=window) as service:
        corpus = service.corpus({"a.txt": ferries(24)})
        model.set_script(script)
        model.reset()  # the storm begins now
        dataset = service.dataset(corpus, **SMALL)
        assert service.finished(dataset)["status"] == "succeeded"
        refused = model.stats()["statuses"].get("429", 0)
        # The first window meets it unwarned; after that each pause is one the server asked for, and the window shrinks.
        assert refused <= window + 8 * seconds, refused
        verify_job(service, model, dataset, killed_in_flight=0)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_reply_that_never_ends_is_closed_at_the_deadline_and_asked_for_again(seed: int, tmp_path: Path) -> None:
    script = {"seed": seed, "faults": [{"fault": "drip", "first": 6, "seconds": 0.2, "endless": True}]}
    with (
        FakeModel(script) as model,
        Service(tmp_path, model_url=model.url, call_idle_timeout_seconds=2) as service,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(8)}), **SMALL)
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        assert found["units"]["failed"] == 0
        assert not set(found["dropped"]) & {"upstream_error", "parse_error"}
        wait(lambda: model.stats()["running"] == 0, 30)
        assert model.stats()["aborted"] >= 6
        assert calls(service, dataset) == model.bill().total
        verify_job(service, model, dataset, killed_in_flight=0)
