"""Whose fault it is when a child ends without a word."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from app.db import transaction
from app.models import Training
from app.settings import settings
from tests.training import tiny
from workers import check
from workers.devices import Device
from workers.keeper import Claim, Keeper


@pytest.fixture
def keeper(client: Any, environment: Any, base: Path, tmp_path: Path) -> Keeper:
    """Of a job that is running by the database; no child does."""
    environment.setenv("CORPUSMITH_BASE_MODELS", json.dumps({"tiny": str(base)}))
    settings.cache_clear()
    with tiny.written(tmp_path / "rows.jsonl", tiny.chat_rows(8)).open("rb") as file:
        file_id = client.post("/v1/files", files={"file": file}, data={"purpose": "fine-tune"}).json()["id"]
    job = client.post("/v1/fine_tuning/jobs", json={"model": "tiny", "training_file": file_id}).json()["id"]
    check.run(job)
    with transaction() as session:
        training = session.get_one(Training, job)
        assert training.status == "queued", training.error
        training.status, training.owner, training.attempt = "running", "me", 7
    (found := Keeper(Claim(job, "me", 7), Device("cpu"))).folder.mkdir(parents=True, exist_ok=True)
    return found


def failures(keeper: Keeper) -> int:
    with transaction() as session:
        return session.get_one(Training, keeper.claim.training_id).failures


def test_a_child_that_its_keeper_left_without_a_word_was_not_at_fault(keeper: Keeper) -> None:
    keeper._beat_at = time.monotonic() - settings().lease_seconds  # the worker did not run for so long
    assert keeper._tell() == "running"  # it runs again, and renews its lease before it looks at its child
    assert keeper._goes_on()
    assert failures(keeper) == 0


def test_a_child_that_dies_though_it_hears_its_keeper_is_at_fault(keeper: Keeper) -> None:
    assert keeper._tell() == "running"
    assert keeper._goes_on()
    assert failures(keeper) == 1
