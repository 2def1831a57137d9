"""One engine, and two ways to open a transaction."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import DateTime, Engine, MetaData, create_engine, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Float, TypeDecorator

from app.settings import settings

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

TRIED_AFTER_SECONDS = 1.0
IDS_AT_ONCE = 500  # parameters of one statement: far from every limit, and its plan stays cached

Item = TypeVar("Item")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time on every engine (SQLite gives back naive ones)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class db_now(FunctionElement[float]):  # noqa: N801  (reads as a SQL function)
    """The database's own clock in epoch seconds: leases compare times of one clock only."""

    type = Float()
    inherit_cache = True


@compiles(db_now, "postgresql")
def _pg_now(element: Any, compiler: Any, **kw: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


@compiles(db_now, "sqlite")
def _sqlite_now(element: Any, compiler: Any, **kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


def make_engine(url: str) -> Engine:
    """An engine with our durability: SQLite in WAL with synchronous=FULL, PostgreSQL with time limits."""
    if url.startswith("sqlite"):
        engine = create_engine(
            url, pool_size=10, max_overflow=30, connect_args={"check_same_thread": False, "timeout": 10.0}
        )
        event.listen(engine, "connect", _sqlite_connect)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    limits = "-c statement_timeout=60000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000"
    engine = create_engine(
        url,
        pool_size=10,
        max_overflow=30,
        pool_timeout=5,
        connect_args={
            "options": limits,
            "connect_timeout": 5,
            "application_name": "corpusmith",
            "keepalives_idle": 20,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    )
    event.listen(engine, "checkin", _remember_when)
    event.listen(engine, "checkout", _try_if_it_rested)
    return engine


def _remember_when(connection: Any, record: Any) -> None:
    record.info["returned_at"] = time.monotonic()


def _try_if_it_rested(connection: Any, record: Any, proxy: Any) -> None:
    """A ping before use, like `pool_pre_ping`, but not of a connection that worked a moment ago: it is a round trip."""
    if time.monotonic() - record.info.get("returned_at", time.monotonic()) > TRIED_AFTER_SECONDS:
        autocommit = connection.autocommit
        try:
            connection.autocommit = True
            connection.execute("SELECT 1")
            connection.autocommit = autocommit
        except Exception as error:
            raise InvalidatePoolError from error  # the pool drops them all, and opens a new one


def _sqlite_connect(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _sqlite_begin
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "cache_size=-16000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Connection) -> None:
    # A deferred transaction that first reads and then writes fails at once when another writer came between.
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@cache
def engine() -> Engine:
    """The engine of this process (a forked child must call `forget_connections` first)."""
    url = settings().database_url
    if url.startswith("sqlite:///"):
        settings().data_dir.mkdir(parents=True, exist_ok=True)
    return make_engine(url)


def forget_connections() -> None:
    """After a fork: let go of the parent's connections without closing them."""
    if engine.cache_info().currsize:
        engine().dispose(close=False)


def slices(items: Sequence[Item], size: int = IDS_AT_ONCE) -> Iterator[Sequence[Item]]:
    """`items` in stretches that one statement can name, in order."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


@contextmanager
def transaction() -> Iterator[Session]:
    """Commit at the end, roll back on error. Nobody else calls commit()."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading() -> Iterator[Session]:
    """A session that only reads.

    On SQLite it neither waits for a writer nor holds one up, and sees one state throughout. On PostgreSQL each
    statement sees its own, as under READ COMMITTED, and stands alone: BEGIN and ROLLBACK would be two more round trips.
    """
    with Session(engine(), expire_on_commit=False) as session:
        session.connection(execution_options=_READING[engine().dialect.name])
        yield session
        session.expunge_all()  # before the end of the transaction, which would expire what was read


_READING: dict[str, Any] = {"sqlite": {"reading": True}, "postgresql": {"isolation_level": "AUTOCOMMIT"}}
