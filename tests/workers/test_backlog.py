"""Doorbells nobody hears do not pile up, and when the sweep is due depends on no wall clock."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import redis
from celery import Celery

from app.db import transaction
from app.models import Corpus, Document, IdempotencyKey, Tenant
from app.models.tenants import DEFAULT_TENANT
from app.settings import settings
from workers import backlog, sweep
from workers.clock import Monotonic

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


@ON_SQLITE
def test_beat_rings_at_the_start_and_then_once_in_each_period(broker: redis.Redis) -> None:
    with Celery("test", broker=settings().broker_url, set_as_current=False) as app:
        app.conf.beat_schedule = {"sweep": {"task": "sweep", "schedule": 0.3, "options": {"queue": "cpu"}}}
        clock = Monotonic(app=app)
        assert 0 < clock.tick() <= 0.3
        clock.tick()
        assert broker.llen("cpu") == 1
        time.sleep(0.35)
        clock.tick()
        assert broker.llen("cpu") == 2
        clock.close()
