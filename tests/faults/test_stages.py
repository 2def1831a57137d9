"""kill -9 of the CPU worker in each of its stages: planning, selecting, exporting; child, parent, or both."""

import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Dataset, Export
from tests.fakes.process import FakeModel
from tests.faults.conftest import SMALL, Look, ferries, go_on, pause, seeds
from tests.faults.verify import verify_job
from tests.faults.witness import Service
from tests.service import kill_tree, wait

VICTIMS = ("child", "parent", "both")


@pytest.mark.parametrize("seed", seeds(1))
def test_a_cpu_worker_killed_in_any_of_its_stages_does_that_stage_once(
    seed: int, tmp_path: Path, new_postgres_database: str
) -> None:
    chance = random.Random(seed)
    with (
        FakeModel({"seed": seed}, latency_ms=150) as model,
        Service(tmp_path, model_url=model.url, database_url=new_postgres_database) as service,
        Look(new_postgres_database) as look,
    ):
        corpus = service.corpus({"a.txt": ferries(12)})
        with locked(new_postgres_database, "contexts"):  # a plan gets that far
            dataset = service.dataset(corpus, **SMALL)
            wait(lambda: held(look, Dataset, dataset, status="validating"), 30)
            orphans = kill(service, chance.choice(VICTIMS))

        wait(lambda: service.get(dataset)["status"] == "generating", 30)
        pause(service, "cpu")
        wait(lambda: service.get(dataset)["status"] == "selecting", 60)
        with locked(new_postgres_database, "samples"):
            go_on(service, "cpu")
            wait(lambda: held(look, Dataset, dataset, status="selecting"), 30)
            orphans += kill(service, chance.choice(VICTIMS))
        found = service.finished(dataset)
        assert found["status"] == "succeeded", found

        with locked(new_postgres_database, "samples"):
            export = service.ok(service.http.post(f"/v1/datasets/{dataset}/exports", json={}))["id"]
            wait(lambda: held(look, Export, export, status="running"), 30)
            orphans += kill(service, chance.choice(VICTIMS))
        path = f"/v1/exports/{export}"
        wait(lambda: service.ok(service.http.get(path))["status"] == "succeeded", 60)
        verify_job(service, model, dataset, killed_in_flight=0)
        wait(lambda: not [orphan for orphan in orphans if alive(orphan)], 30)


@contextmanager
def locked(url: str, table: str) -> Iterator[None]:
    """Nobody gets at this table meanwhile: a worker that needs it stands still, in the middle of its work."""
    with psycopg.connect(url) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def held(look: Look, table: Any, row_id: str, status: str) -> bool:
    with Session(look.engine) as session:
        return session.scalar(select(table.owner).where(table.id == row_id, table.status == status)) is not None


def alive(process: psutil.Process) -> bool:
    """Running, and not merely waiting to be reaped."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill(service: Service, victim: str) -> list[psutil.Process]:
    """kill -9. A parent's successor is started beside the children that are left behind; those are returned."""
    parent = service.processes["cpu"]
    children = psutil.Process(parent.pid).children(recursive=True)
    if victim != "parent":
        for child in children:
            kill_tree(child.pid)
    if victim != "child":
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        service.start("cpu")
    return children
