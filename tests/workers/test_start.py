"""Workers that start look for work themselves: nobody waits for the next sweep."""

from pathlib import Path

from tests.fakes.process import FakeModel
from tests.faults.conftest import FEW_AT_ONCE, SMALL, calls, ferries
from tests.faults.witness import Service
from tests.service import wait


def test_a_job_goes_on_after_a_restart_though_no_sweep_is_due(tmp_path: Path) -> None:
    settings = FEW_AT_ONCE | {"sweep_seconds": 3600, "lease_seconds": 5}
    with FakeModel(latency_ms=50) as model, Service(tmp_path, model_url=model.url, **settings) as service:
        dataset = service.dataset(service.corpus({"a.txt": ferries(12)}), **SMALL)
        wait(lambda: calls(service, dataset) > 10, 60)
        service.stop()
        service.start()
        done = calls(service, dataset)
        wait(lambda: calls(service, dataset) > done, 60)


def test_documents_that_came_while_no_worker_ran_are_read_when_one_starts(tmp_path: Path) -> None:
    with Service(tmp_path, model_url="http://127.0.0.1:9/v1", sweep_seconds=3600) as service:
        service.kill("cpu", "beat")
        corpus = service.corpus({"a.txt": b"The ferry leaves at noon."})
        service.kill("valkey")  # and with it the doorbell that the upload rang
        service.start("valkey", "cpu")
        wait(lambda: service.ok(service.http.get(f"/v1/corpora/{corpus}"))["documents"].get("parsed") == 1, 60)
