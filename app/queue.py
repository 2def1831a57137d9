"""A doorbell: `ring(session, name, ...)` sends a Celery message after the commit, and forgets it on rollback."""

import os
import threading
import time
from functools import cache
from typing import Literal

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.settings import settings

log = structlog.get_logger()

QUIET_SECONDS = 0.2  # a thousand uploads one by one were a thousand messages, and each a look at the database

TaskName = Literal["parse", "plan", "drain", "select", "export", "report", "check", "train", "serve", "pack", "merge"]
QUEUES: dict[TaskName, str] = {
    "parse": "cpu",
    "plan": "cpu",
    "drain": "llm",
    "select": "cpu",
    "export": "cpu",
    "report": "cpu",
    "check": "cpu",
    "train": "gpu",
    "serve": "gpu",
    "pack": "cpu",
    "merge": "gpu",
}


@cache
def broker() -> Celery:
    """A Celery app that only sends; the workers' own is workers.celery_app."""
    app = Celery("corpusmith", broker=settings().broker_url, set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        broker_connection_retry=False,
        broker_transport_options={"socket_timeout": 3, "socket_connect_timeout": 3, "max_retries": 0},
    )
    return app


def ring(session: Session, name: TaskName, *ids: str) -> None:
    """Say, once this transaction is committed, that there is work of kind `name`. Losing the message loses nothing."""
    session.info.setdefault("rings", []).append((name, ids))


def send(name: TaskName, *ids: str) -> None:
    """Ring now. A broker that does not answer is logged and no more: the sweep rings again for all that has work.

    A ring without ids says what the one before said: of many in a row the first goes at once and the last a bit later.
    """
    if ids or _once.turn(name):
        _send(name, *ids)


def _send(name: TaskName, *ids: str) -> None:
    try:
        broker().send_task(
            f"corpusmith.{name}",
            args=ids,
            queue=QUEUES[name],
            retry=False,
        )
    except (OperationalError, OSError) as error:
        log.warning("doorbell.not_sent", task=name, error=type(error).__name__)


class _Once:
    """Lets a process ring a bell once in `QUIET_SECONDS`; a ring within that time is put off to its end."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """As if nothing had been rung; in a forked child no timer of its parent runs."""
        self._rung: dict[TaskName, float] = {}
        self._late: set[TaskName] = set()
        self._lock = threading.Lock()

    def turn(self, name: TaskName) -> bool:
        with self._lock:
            now = time.monotonic()
            left = self._rung.get(name, -QUIET_SECONDS) + QUIET_SECONDS - now
            if left <= 0 and name not in self._late:
                self._rung[name] = now
                return True
            if name not in self._late:
                self._late.add(name)
                timer = threading.Timer(left, self._ring_late, (name,))
                timer.daemon = True
                timer.start()
            return False

    def _ring_late(self, name: TaskName) -> None:
        with self._lock:  # before the message goes: whoever comes after this needs another
            self._late.discard(name)
            self._rung[name] = time.monotonic()
        _send(name)


_once = _Once()
os.register_at_fork(after_in_child=_once.forget)


@event.listens_for(Session, "after_commit")
def _ring_now(session: Session) -> None:
    for name, ids in dict.fromkeys(session.info.pop("rings", [])):
        send(name, *ids)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous: object) -> None:
    session.info.pop("rings", None)
