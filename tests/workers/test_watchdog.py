"""A worker that hears nothing although messages wait is noticed; an idle or a busy one is left alone."""

import time

import pytest
import redis

from workers.watchdog import Watchdog


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_messages_that_wait_while_the_worker_is_idle_make_it_deaf(broker: redis.Redis) -> None:
    dog = Watchdog({"cpu"}, busy=lambda: False, deaf_seconds=0.3)
    assert not dog.deaf()
    time.sleep(0.4)
    assert not dog.deaf(), "an empty queue is no sign"
    broker.lpush("cpu", "message")
    assert not dog.deaf(), "it has only just come"
    time.sleep(0.4)
    assert dog.deaf()
    dog.received()
    assert not dog.deaf()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_busy_worker_and_a_broker_that_is_away_are_no_sign(broker: redis.Redis) -> None:
    broker.lpush("llm", "message")
    busy = Watchdog({"llm"}, busy=lambda: True, deaf_seconds=0.1)
    time.sleep(0.2)
    assert not busy.deaf()
    other = Watchdog({"cpu"}, busy=lambda: False, deaf_seconds=0.1)
    time.sleep(0.2)
    assert not other.deaf(), "messages for another queue are not ours"
