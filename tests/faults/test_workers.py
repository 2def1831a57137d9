"""Workers that freeze, die before they were heard, meet in the same work, are asked to end, or die of one unit."""

import os
import random
import signal
import threading
from pathlib import Path

import pytest
from celery import Celery

from tests.fakes.process import FakeModel
from tests.faults.conftest import FEW_AT_ONCE, SMALL, Look, calls, ferries, seeds
from tests.faults.verify import verify_job
from tests.faults.witness import Service
from tests.service import WINDOW, wait

FEW = FEW_AT_ONCE["window_max"]


@pytest.mark.parametrize("seed", seeds(1))
def test_a_worker_that_was_frozen_for_longer_than_its_lease_writes_nothing_late(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    with (
        FakeModel({"seed": seed}, latency_ms=80) as model,
        Service(
            tmp_path, model_url=model.url, database_url=new_postgres_database, llm_workers=2, **FEW_AT_ONCE
        ) as service,
        Look(new_postgres_database) as look,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(16)}), **SMALL)
        pid = service.processes["llm1"].pid
        wait(lambda: calls(service, dataset) >= random.Random(seed).uniform(4, 40), 60)
        frozen = _freeze_until_taken_over(look, dataset, pid)
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        assert {unit.id for unit in look.units(dataset) if unit.attempt > 1} >= frozen
        verify_job(service, model, dataset, killed_in_flight=2 * FEW)


def _freeze_until_taken_over(look: Look, dataset: str, pid: int) -> set[str]:
    """SIGSTOP the worker until others have its units, then SIGCONT. The ids of those units."""
    for _ in range(5):
        wait(lambda: len(look.held_by(dataset, pid)) > 0, 30)
        os.kill(pid, signal.SIGSTOP)
        try:
            frozen = {unit.id for unit in look.held_by(dataset, pid)}
            wait(lambda: not look.held_by(dataset, pid), 9)
        except AssertionError:
            continue  # frozen in the middle of a transaction, with its locks: nobody can take over before it ends
        finally:
            os.kill(pid, signal.SIGCONT)
        if frozen:
            return frozen
    raise AssertionError("never frozen between two transactions")


@pytest.mark.parametrize("seed", seeds(1))
def test_doorbells_rung_three_times_over_and_two_beats_make_every_row_once(seed: int, tmp_path: Path) -> None:
    with (
        FakeModel({"seed": seed}, latency_ms=30) as model,
        Service(tmp_path, model_url=model.url, llm_workers=2, **FEW_AT_ONCE) as service,
    ):
        service.start("beat2")
        texts = ferries(12).split(b"\n\n")  # no two alike: two workers may ask the same question at the same moment
        corpus = service.corpus({f"{i}.txt": b"\n\n".join(texts[4 * i :][:4]) for i in range(3)})
        dataset = service.dataset(corpus, **SMALL)
        ended = threading.Event()
        ringing = threading.Thread(target=_ring, args=(service, dataset, ended))
        ringing.start()
        try:
            found = service.finished(dataset)
        finally:
            ended.set()
            ringing.join()
            service.kill("beat2")
        assert found["status"] == "succeeded", found
        assert verify_job(service, model, dataset, killed_in_flight=0)["repaid"] == 0


def _ring(service: Service, dataset: str, ended: threading.Event) -> None:
    """Each message three times, again and again, to twice as many hands as there is work for."""
    with Celery("test", broker=service.settings().broker_url, set_as_current=False) as app:
        while not ended.wait(0.4):
            for name, queue, args in (
                ("parse", "cpu", ()),
                ("plan", "cpu", (dataset,)),
                ("select", "cpu", (dataset,)),
                ("sweep", "cpu", ()),
                ("drain", "llm", ()),
            ):
                for _ in range(3):
                    app.send_task(f"corpusmith.{name}", args=args, queue=queue, ignore_result=True)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_worker_that_died_before_its_first_heartbeat_is_noticed(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    with (
        FakeModel({"seed": seed}, latency_ms=150) as model,
        Service(
            tmp_path, model_url=model.url, database_url=new_postgres_database, lease_seconds=6, **FEW_AT_ONCE
        ) as service,
        Look(service.database_url) as look,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(10)}), **SMALL)
        wait(lambda: bool(look.units(dataset, status="running")), 30)
        service.kill("llm1")
        held = look.units(dataset, status="running")
        assert any(unit.heartbeat_at is None for unit in held)
        service.start("llm1")
        found = service.finished(dataset)
        assert found["status"] == "succeeded"
        verify_job(service, model, dataset, killed_in_flight=WINDOW)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_worker_asked_to_end_gives_its_units_back_and_the_next_goes_on_at_once(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    # A lease that no test outlives: what goes on does so because it was given back.
    with (
        FakeModel({"seed": seed}, latency_ms=80) as model,
        Service(tmp_path, model_url=model.url, database_url=new_postgres_database, lease_seconds=600) as service,
        Look(service.database_url) as look,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(16)}), **SMALL)
        wait(lambda: calls(service, dataset) >= random.Random(seed).uniform(2, 100), 60)
        worker = service.processes["llm1"]
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
        assert not look.units(dataset, status="running")
        service.start("llm1")
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        assert {unit.attempt for unit in look.units(dataset)} == {1}
        verify_job(service, model, dataset, killed_in_flight=WINDOW)


@pytest.mark.parametrize("seed", seeds(0))
def test_a_unit_that_kills_every_worker_ends_as_failed_and_the_dataset_goes_on(seed: int, tmp_path: Path) -> None:
    script = {"seed": seed, "faults": [{"fault": "hang", "match": "leaves Harbour 3 at"}]}
    with (
        FakeModel(script) as model,
        Service(tmp_path, model_url=model.url, unit_max_attempts=2) as service,
        Look(service.database_url) as look,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(8)}), **SMALL)

        def only_the_hanging_one_is_left() -> bool:
            found = service.get(dataset)["units"]
            return bool(found["total"] == 8 and found["done"] == 7 and len(look.units(dataset, status="running")) == 1)

        wait(only_the_hanging_one_is_left, 60)
        poison = {unit.id for unit in look.units(dataset, status="running")}
        service.kill("llm1")
        service.start("llm1")
        wait(lambda: all(unit.attempt == 2 for unit in look.units(dataset, status="running")), 60)
        service.kill("llm1")
        service.start("llm1")
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        failed = look.units(dataset, status="failed")
        assert {unit.id for unit in failed} == poison
        assert all((unit.reason or "").startswith("worker_lost") for unit in failed)
        verify_job(service, model, dataset, killed_in_flight=0)
