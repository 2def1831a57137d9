"""Doorbells: every name is a task on a queue, arguments are ids, and nothing is sent for what was not committed."""

import inspect
import os
import time
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from app import queue
from app.db import transaction
from tests.service import wait
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


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the messages that went to the broker."""
    names: list[str] = []

    class Broker:
        def send_task(self, name: str, **_: Any) -> None:
            names.append(name)

    monkeypatch.setattr(queue, "broker", Broker)
    queue._once.forget()
    yield names
    queue._once.forget()


def test_of_many_rings_in_a_row_the_first_goes_at_once_and_the_last_is_not_lost(sent: list[str]) -> None:
    begin = time.monotonic()
    queue.send("parse")
    assert sent == ["corpusmith.parse"]
    for _ in range(100):
        queue.send("parse")
    before = len(sent)
    queue.send("parse")
    wait(lambda: len(sent) > before, 10)
    assert len(sent) <= 2 + (time.monotonic() - begin) / queue.QUIET_SECONDS


def test_every_ring_with_an_id_goes_out(sent: list[str]) -> None:
    for i in range(5):
        queue.send("plan", f"dst_{i}")
    assert sent == ["corpusmith.plan"] * 5


def test_a_forked_child_does_not_wait_for_a_ring_of_its_parent(sent: list[str]) -> None:
    queue.send("parse")
    queue.send("parse")  # put off: its timer runs in this process alone
    if not (child := os.fork()):
        sent.clear()
        queue.send("parse")
        os._exit(0 if sent else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
