"""Doorbells: every name is a task on a queue, arguments are ids, and nothing is sent for what was not committed."""

import inspect
from typing import Any, get_args

import pytest

from app import queue
from app.db import transaction
from workers.celery_app import celery_app


def test_every_doorbell_is_a_task_that_takes_only_ids() -> None:
    celery_app.loader.import_default_modules()
    for name in get_args(queue.TaskName):
        parameters = inspect.signature(celery_app.tasks[f"corpusmith.{name}"].run).parameters.values()
        assert all(parameter.annotation is str for parameter in parameters)


def test_every_task_is_routed_to_a_queue() -> None:
    assert set(queue.QUEUES) == set(get_args(queue.TaskName))
    assert set(queue.QUEUES.values()) <= {"cpu", "llm", "gpu"}


def test_a_ring_is_sent_after_the_commit_and_once(rings: list[tuple[Any, ...]]) -> None:
    with transaction() as session:
        queue.ring(session, "plan", "dst_1")
        queue.ring(session, "plan", "dst_1")
        assert rings == []
    assert rings == [("plan", "dst_1")]


def test_a_rolled_back_transaction_rings_nobody(rings: list[tuple[Any, ...]]) -> None:
    with pytest.raises(RuntimeError), transaction() as session:
        queue.ring(session, "plan", "dst_1")
        raise RuntimeError
    with transaction():
        pass
    assert rings == []


def test_a_broker_that_is_away_does_not_break_the_request(environment: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        queue.ring(session, "plan", "dst_1")
