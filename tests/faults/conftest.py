"""Documents, databases behind a proxy, and looks into a running service, for the fault tests."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Engine, func, make_url, select
from sqlalchemy.orm import Session

from app.db import make_engine
from app.models import Sample, Unit
from tests.fakes.proxy import Target
from tests.faults.witness import Service

SMALL = {"chunking": {"splitter": "recursive", "size": 400}}
FEW_AT_ONCE: dict[str, Any] = {
    "window_start": 4,
    "window_max": 8,
}  # so that two workers share the units of a small dataset


def ferries(count: int) -> bytes:
    """A text of `count` paragraphs, each with facts of its own."""
    return "\n\n".join(
        f"The ferry Number {i} leaves Harbour {i} at {i % 24:02d}:{i % 60:02d} every day. A ticket for it costs "
        f"{i + 3} euros and fifty cents. The captain of ferry Number {i} is called Person {i}. It carries {50 + i} "
        f"passengers, {i + 2} cars across the sound, and it was built in the year {1900 + i} at the yard of Town {i}."
        for i in range(count)
    ).encode()


def seeds(short: int) -> list[int]:
    """Seeds to run with: `short` of them in `make test` (0: none), CORPUSMITH_FAULT_SEEDS in `make faults`.

    "20" are the seeds 0 to 19, "5:10" those from 5 to 9.
    """
    first, _, last = os.environ.get("CORPUSMITH_FAULT_SEEDS", str(short)).rpartition(":")
    return list(range(int(first or 0), int(last)))


def broker(service: Service) -> Redis:
    """A client of the service's broker."""
    return Redis.from_url(service.settings().redis_url)


def pause(service: Service, name: str) -> None:
    """SIGSTOP for a part's own process: a child of it ends the task that it has, and is given no other.

    The child is left alone, or it might stand still in the middle of a transaction, and everybody with it.
    """
    service.processes[name].send_signal(signal.SIGSTOP)


def go_on(service: Service, name: str) -> None:
    service.processes[name].send_signal(signal.SIGCONT)


def supervised(service: Service, true: Callable[[], bool]) -> Callable[[], bool]:
    """`true`, with parts that have ended by themselves started again: a deaf worker ends itself by design."""

    def look() -> bool:
        ended = [name for name, process in service.processes.items() if process.poll() is not None]
        if ended:
            service.start(*ended)
        return true()

    return look


@pytest.fixture
def document() -> bytes:
    return ferries(24)


def calls(service: Service, dataset: str) -> int:
    return int(service.get(dataset)["usage"]["calls"])


def server_of(url: str) -> Target:
    """Where the PostgreSQL of this URL listens, as a proxy's target."""
    parts = make_url(url)
    folder = str(parts.query.get("host", ""))
    if folder:
        return f"{folder}/.s.PGSQL.{parts.port or 5432}"
    return parts.host or "127.0.0.1", parts.port or 5432


def by_way_of(port: int, url: str) -> str:
    """The same database, reached over this port of ours."""
    return make_url(url).set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)


class Look:
    """Reads the service's database beside it; for what the API does not show."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = make_engine(url.replace("postgresql://", "postgresql+psycopg://"))

    def __enter__(self) -> "Look":
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.dispose()

    def units(self, dataset: str, **wanted: Any) -> list[Unit]:
        with self._reading() as session:
            query = select(Unit).where(Unit.dataset_id == dataset).filter_by(**wanted)
            return list(session.scalars(query.order_by(Unit.position)))

    def rows(self, dataset: str) -> int:
        with self._reading() as session:
            return session.scalar(select(func.count()).where(Sample.dataset_id == dataset)) or 0

    def held_by(self, dataset: str, pid: int) -> list[Unit]:
        """The units that the worker with this process id has under lease."""
        return [unit for unit in self.units(dataset, status="running") if f":{pid}:" in (unit.owner or "")]

    def _reading(self) -> Session:
        return Session(self.engine.execution_options(reading=True), expire_on_commit=False)


def settled(value: Callable[[], object], seconds: float = 1.5) -> Callable[[], bool]:
    """True once `value()` has not changed for so long."""
    last, since = value(), time.monotonic()

    def calm() -> bool:
        nonlocal last, since
        now = value()
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > seconds

    return calm
