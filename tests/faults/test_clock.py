"""Wall clocks that are wrong, or jump while work goes on: all lease times are the database's."""

from pathlib import Path

import pytest

from tests.fakes.process import FakeModel
from tests.faults.conftest import FEW_AT_ONCE, SMALL, Look, broker, calls, ferries, go_on, pause, seeds
from tests.faults.verify import verify_job
from tests.faults.witness import Service
from tests.nursery import ROOT
from tests.service import WINDOW, wait

HOUR, TEN_YEARS = 3600, 10 * 365 * 24 * 3600
JUMPS = (HOUR, -HOUR, TEN_YEARS, -TEN_YEARS)


def put_on_another_clock(service: Service, clock: Path, *names: str) -> None:
    """Start these parts again with a wall clock of their own."""
    service.kill(*names)
    right = dict(service.env)
    service.env["PYTHONPATH"] = f"{ROOT / 'tests' / 'faults' / 'other_clock'}:{right['PYTHONPATH']}"
    service.env["FAULT_CLOCK"] = str(clock)
    service.forked = False  # a clock of one's own is put in where an interpreter starts
    service.start(*names)
    service.env.clear()
    service.env.update(right)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_worker_whose_clock_is_wrong_neither_loses_leases_nor_takes_those_of_others(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    clock = tmp_path / "clock"
    clock.write_text(str(JUMPS[seed % 4]))
    with (
        FakeModel({"seed": seed}, latency_ms=80) as model,
        Service(
            tmp_path, model_url=model.url, database_url=new_postgres_database, llm_workers=2, **FEW_AT_ONCE
        ) as service,
        Look(new_postgres_database) as look,
    ):
        put_on_another_clock(service, clock, "llm2", "cpu")
        pause(service, "llm1")  # or it may have done all before the other is ready
        dataset = service.dataset(service.corpus({"a.txt": ferries(32)}), **SMALL)
        pids = [service.processes[name].pid for name in ("llm1", "llm2")]
        wait(lambda: bool(look.held_by(dataset, pids[1])), 60)
        go_on(service, "llm1")
        wait(lambda: all(look.held_by(dataset, pid) for pid in pids), 60)
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        assert (tmp_path / f"clock-{pids[1]}").exists()
        assert {unit.attempt for unit in look.units(dataset)} == {1}
        assert verify_job(service, model, dataset, killed_in_flight=0)["repaid"] == 0


@pytest.mark.parametrize("seed", seeds(1))
def test_a_clock_that_jumps_stops_no_sweep_and_forgets_nothing_that_is_fresh(seed: int, tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    with (
        FakeModel({"seed": seed}, latency_ms=80) as model,
        Service(tmp_path, model_url=model.url, **FEW_AT_ONCE) as service,
        broker(service) as client,
    ):
        put_on_another_clock(service, clock, "cpu", "llm1", "beat")
        corpus = service.corpus({"a.txt": ferries(12)})
        create = {"json": {"corpus_id": corpus, **SMALL}, "headers": {"Idempotency-Key": "once"}}
        upload = tmp_path / "blobs" / "incoming" / "half"
        upload.write_bytes(b"an upload that is under way")
        dataset = service.ok(service.http.post("/v1/datasets", **create))["id"]  # type: ignore[arg-type]
        wait(lambda: calls(service, dataset) > 20 + seed, 60)
        clock.write_text(str(JUMPS[seed % 4]))
        service.kill("llm1")  # what it held is found by a sweep alone
        client.flushall()
        assert service.get(dataset)["status"] == "generating"
        put_on_another_clock(service, clock, "llm1")
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        assert list(tmp_path.glob("clock-*")), "no process has told a wrong time"
        assert upload.exists()
        assert service.ok(service.http.post("/v1/datasets", **create))["id"] == dataset  # type: ignore[arg-type]
        verify_job(service, model, dataset, killed_in_flight=WINDOW)
