"""Leases: one worker at a time does a piece of work, and a dead one's work is free again after a while.

All times are the database's (`db_now`). Every comparison uses COALESCE(heartbeat_at, leased_at), so a worker that died
before its first heartbeat is noticed too. Results are written only where (owner, attempt) still match.
"""

import os
import secrets
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.db import db_now, transaction
from app.settings import settings

log = structlog.get_logger()


def new_owner() -> str:
    """A name that no other lease holder has, and that says where it runs."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(6)}"


def is_free(table: Any) -> ColumnElement[bool]:
    """No live lease: none was taken, or its holder has been silent for `lease_seconds`."""
    last_sign = func.coalesce(table.heartbeat_at, table.leased_at)
    return or_(table.owner.is_(None), last_sign < db_now() - settings().lease_seconds)


def is_live(table: Any) -> ColumnElement[bool]:
    last_sign = func.coalesce(table.heartbeat_at, table.leased_at)
    return and_(table.owner.is_not(None), last_sign >= db_now() - settings().lease_seconds)


def take(session: Session, table: Any, row_id: str, owner: str) -> int | None:
    """Compare and set: the attempt number if the lease is ours now, else None."""
    taken = session.execute(
        update(table)
        .where(table.id == row_id, is_free(table))
        .values(owner=owner, attempt=table.attempt + 1, leased_at=db_now(), heartbeat_at=None)
        .returning(table.attempt)
    ).scalar_one_or_none()
    return None if taken is None else int(taken)


def release(session: Session, table: Any, row_id: str, owner: str, attempt: int) -> bool:
    """Give the lease back. False: it was not ours any more."""
    mine = (table.id == row_id, table.owner == owner, table.attempt == attempt)
    result = session.execute(
        update(table).where(*mine).values(owner=None, leased_at=None, heartbeat_at=None).returning(table.id)
    )
    return result.scalar_one_or_none() is not None


def still_mine(session: Session, table: Any, row_id: str, owner: str, attempt: int) -> bool:
    """Checked, with the row locked, in the transaction that writes the result: the fence."""
    row = session.execute(
        select(table.id).where(table.id == row_id, table.owner == owner, table.attempt == attempt).with_for_update()
    )
    return row.scalar_one_or_none() is not None


@contextmanager
def heartbeat(table: Any, rows: str | Sequence[str], owner: str) -> Iterator[threading.Event]:
    """Beat for a row, or some hundred, from a thread while the work goes on.

    The event is set when no lease of them is left: stop then.
    """
    ids = [rows] if isinstance(rows, str) else rows
    stop, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not stop.wait(settings().lease_seconds / 3):
            try:
                with transaction() as session:
                    found = session.execute(
                        update(table)
                        .where(table.id.in_(ids), table.owner == owner)
                        .values(heartbeat_at=db_now())
                        .returning(table.id)
                    )
                    if not found.all():
                        lost.set()
                        return
            except OperationalError as error:
                log.warning("heartbeat.database_away", error=type(error.orig).__name__)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        stop.set()
        thread.join(timeout=5)
