"""Nobody waits for the next sweep: workers look at their start and after they were cut off, and call one another."""

import signal
import time
from pathlib import Path

from tests.fakes.process import FakeModel
from tests.faults.conftest import FEW_AT_ONCE, SMALL, Look, calls, ferries
from tests.faults.verify import verify_job
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


def test_a_worker_with_more_than_it_can_take_calls_an_idle_one(tmp_path: Path, new_postgres_database: str) -> None:
    settings = FEW_AT_ONCE | {"sweep_seconds": 3600, "drain_idle_seconds": 0.3}
    with (
        FakeModel(latency_ms=200) as model,
        Service(
            tmp_path, model_url=model.url, database_url=new_postgres_database, llm_workers=2, **settings
        ) as service,
        Look(new_postgres_database) as look,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(48)}), **SMALL)
        pids = [service.processes[name].pid for name in service.llm_names]
        wait(lambda: all(look.held_by(dataset, pid) for pid in pids), 60)


def test_a_worker_that_was_cut_off_looks_for_work_again(tmp_path: Path) -> None:
    lease = 3
    settings = FEW_AT_ONCE | {"sweep_seconds": 3600, "lease_seconds": lease}
    with FakeModel(latency_ms=100) as model, Service(tmp_path, model_url=model.url, **settings) as service:
        dataset = service.dataset(service.corpus({"a.txt": ferries(12)}), **SMALL)
        wait(lambda: calls(service, dataset) > 10, 60)
        service.processes["llm1"].send_signal(signal.SIGSTOP)
        time.sleep(lease)
        service.processes["llm1"].send_signal(signal.SIGCONT)
        wait(lambda: "drain.cut_off" in service.log("llm1"), 30)
        assert service.finished(dataset)["status"] == "succeeded"
        verify_job(service, model, dataset, killed_in_flight=FEW_AT_ONCE["window_max"])
