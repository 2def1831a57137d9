"""Doorbells nobody hears do not pile up, and when the sweep is due depends on no wall clock."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import redis

from app.db import transaction
from app.models import Corpus, Document, IdempotencyKey, Tenant
from app.models.tenants import DEFAULT_TENANT
from workers import backlog, sweep
from workers.clock import Every

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@ON_SQLITE
def test_only_a_queue_with_too_many_doorbells_is_emptied(broker: redis.Redis) -> None:
    broker.rpush("cpu", *range(backlog.MOST_WAITING + 1))
    broker.rpush("llm", *range(backlog.MOST_WAITING))
    assert backlog.messages_wait(["cpu"])
    backlog.drop_too_many()
    assert not backlog.messages_wait(["cpu"])
    assert broker.llen("llm") == backlog.MOST_WAITING


@ON_SQLITE
def test_a_sweep_that_drops_doorbells_rings_for_what_the_database_says(broker: redis.Redis) -> None:
    with transaction() as session:
        if session.get(Tenant, DEFAULT_TENANT) is None:
            session.add(Tenant(id=DEFAULT_TENANT))
            session.flush()
        session.add(Corpus(id="crp_1", tenant_id=DEFAULT_TENANT, name="waits"))
        session.flush()
        session.add(
            Document(id="doc_1", tenant_id=DEFAULT_TENANT, corpus_id="crp_1", name="a.txt", sha256="0" * 64, size=1)
        )
    broker.rpush("cpu", *range(backlog.MOST_WAITING + 1))
    sweep.run()
    (rung,) = broker.lrange("cpu", 0, -1)
    assert b"corpusmith.parse" in rung


@ON_SQLITE
def test_a_broker_that_is_away_has_nothing_to_drop(environment: pytest.MonkeyPatch) -> None:
    assert not backlog.messages_wait(["cpu", "llm"])
    backlog.drop_too_many()


def test_a_key_is_forgotten_when_it_is_old_by_the_database_s_clock(environment: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    with transaction() as session:
        if session.get(Tenant, DEFAULT_TENANT) is None:
            session.add(Tenant(id=DEFAULT_TENANT))
            session.flush()
        for name, age in (("old", timedelta(hours=49)), ("fresh", timedelta(hours=47))):
            session.add(
                IdempotencyKey(
                    id=name, tenant_id=DEFAULT_TENANT, route="POST /x", key=name, body_sha256="0" * 64, status=201,
                    body=b"", created_at=now - age,
                )
            )  # fmt: skip
    sweep.run()
    with transaction() as session:
        assert session.get(IdempotencyKey, "fresh") is not None
        assert session.get(IdempotencyKey, "old") is None


def test_a_schedule_is_due_after_its_period_whatever_the_wall_clock_says_of_its_last_run() -> None:
    every = Every(0.2)
    in_ten_years = datetime.now(UTC) + timedelta(days=3652)
    assert every.is_due(in_ten_years).is_due
    found = every.is_due(datetime(1970, 1, 1, tzinfo=UTC))
    assert not found.is_due
    assert 0 < found.next <= 0.2
    time.sleep(0.25)
    assert every.is_due(in_ten_years).is_due
