"""Connections and statements: what was lost while it rested is replaced, and no statement names too much."""

import pytest
from sqlalchemy import create_engine, text

from app import db
from app.db import reading, slices, transaction
from app.settings import settings


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("session", [reading, transaction])
def test_a_connection_that_was_cut_while_it_rested_is_not_noticed(
    environment: pytest.MonkeyPatch, session: object
) -> None:
    environment.setattr(db, "TRIED_AFTER_SECONDS", -1.0)
    with session() as found:  # type: ignore[operator]
        mine = found.scalar(text("SELECT pg_backend_pid()"))
    other = create_engine(settings().database_url, isolation_level="AUTOCOMMIT")
    with other.connect() as connection:
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": mine})
    other.dispose()
    with session() as found:  # type: ignore[operator]
        assert found.scalar(text("SELECT pg_backend_pid()")) != mine


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_reading_leaves_a_connection_as_writing_needs_it(environment: pytest.MonkeyPatch) -> None:
    with reading() as session:
        mine = session.scalar(text("SELECT pg_backend_pid()"))
    with pytest.raises(ZeroDivisionError), transaction() as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) == mine
        session.execute(text("CREATE TABLE half_done (id int)"))
        raise ZeroDivisionError
    with reading() as session:
        assert session.scalar(text("SELECT to_regclass('half_done')")) is None


def test_slices_hold_everything_once_and_in_order() -> None:
    assert [list(some) for some in slices(range(1001))] == [
        list(range(500)),
        list(range(500, 1000)),
        [1000],
    ]
    assert list(slices([])) == []
