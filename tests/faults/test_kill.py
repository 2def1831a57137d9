"""kill -9 at any moment: of the LLM worker, of the CPU worker, of everything. SQLite and PostgreSQL in turn."""

import random
import time
from pathlib import Path

import pytest

from tests.fakes.process import FakeModel
from tests.faults.conftest import SMALL, calls, ferries, seeds
from tests.faults.verify import verify_job
from tests.faults.witness import Service
from tests.service import WINDOW, wait

LATENCY_MS = 60


@pytest.mark.parametrize("seed", seeds(1))
def test_the_llm_worker_killed_in_mid_run_costs_at_most_the_calls_in_flight(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    at = random.Random(seed).uniform(0.1, 0.9)
    with (
        FakeModel({"seed": seed}, latency_ms=100, slots=8) as model,
        Service(tmp_path, model_url=model.url, database_url=new_postgres_database if seed % 2 else "") as service,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(24)}), **SMALL)
        wait(lambda: service.get(dataset)["units"]["total"] > 0, 30)
        total = 16 * int(service.get(dataset)["units"]["total"])
        wait(lambda: calls(service, dataset) >= at * total, 60)
        in_flight = int(model.stats()["running"]) + int(model.stats()["waiting"])
        service.kill("llm1")
        service.start("llm1")
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        # Between the count and the kill a few more may have been sent; the window bounds what can be in flight at all.
        figures = verify_job(service, model, dataset, killed_in_flight=max(in_flight, 64))
        assert figures["ledger"] == total
        assert found["usage"]["replayed_calls"] > 0


@pytest.mark.parametrize("seed", seeds(1))
def test_everything_killed_at_once_goes_on_after_a_restart(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    with (
        FakeModel({"seed": seed}, latency_ms=LATENCY_MS, slots=16) as model,
        Service(tmp_path, model_url=model.url, database_url=new_postgres_database if seed % 2 else "") as service,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(24)}), **SMALL)
        wait(lambda: calls(service, dataset) >= 40 + 60 * random.Random(seed).random(), 60)
        service.kill()
        time.sleep(0.5)
        service.start()
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        verify_job(service, model, dataset, killed_in_flight=WINDOW)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_cpu_worker_killed_while_it_reads_documents_loses_none(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    chance = random.Random(seed)
    with (
        FakeModel({"seed": seed}) as model,
        Service(tmp_path, model_url=model.url, database_url=new_postgres_database if seed % 2 else "") as service,
    ):
        corpus = service.corpus({f"{i}.txt": ferries(3) + str(i).encode() for i in range(30)})

        def parsed() -> int:
            return int(service.ok(service.http.get(f"/v1/corpora/{corpus}"))["documents"]["parsed"])

        wait(lambda at=chance.randrange(25): parsed() >= at, 60)  # type: ignore[misc]
        service.kill("cpu")
        service.start("cpu")
        wait(lambda: parsed() == 30, 60)
        dataset = service.dataset(
            corpus, chunking={"splitter": "recursive", "size": 2000}, options={"evolve_rounds": 0}
        )
        assert service.finished(dataset)["status"] == "succeeded"
        verify_job(service, model, dataset, killed_in_flight=0)


def test_the_cpu_worker_killed_while_it_weighs_chunks_loses_no_paid_call(tmp_path: Path, database_url: str) -> None:
    weighing = {"quality": "judge", "order": "by_loss"}
    with (
        FakeModel(latency_ms=150, slots=4) as model,
        Service(tmp_path, model_url=model.url, database_url=database_url, window_start=4, window_max=4) as service,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(24)}), grouping=weighing, rows=12, **SMALL)
        wait(lambda: calls(service, dataset) >= 6, 60)
        assert service.get(dataset)["status"] == "validating"
        service.kill("cpu")
        service.start("cpu")
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        figures = verify_job(service, model, dataset, killed_in_flight=8)
        assert figures["ledger"] > found["units"]["total"] * 16, "the weighing is in the ledger, and counted"
