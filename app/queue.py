"""A doorbell: `ring(session, name, ...)` sends a Celery message after the commit, and forgets it on rollback."""

from functools import cache
from typing import Literal

import structlog
from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.settings import settings

log = structlog.get_logger()

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
    """Ring now. A broker that does not answer is logged and no more: the sweep rings again for all that has work."""
    try:
        broker().send_task(
            f"corpusmith.{name}",
            args=ids,
            queue=QUEUES[name],
            retry=False,
        )
    except (OperationalError, OSError) as error:
        log.warning("doorbell.not_sent", task=name, error=type(error).__name__)


@event.listens_for(Session, "after_commit")
def _ring_now(session: Session) -> None:
    for name, ids in dict.fromkeys(session.info.pop("rings", [])):
        send(name, *ids)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, previous: object) -> None:
    session.info.pop("rings", None)
