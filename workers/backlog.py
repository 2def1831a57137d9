"""Doorbells that wait at the broker: how many there are, and an end to too many of them.

A doorbell has no time limit. That would compare the clocks of two machines, and a worker whose clock is ahead would
throw every one away unheard. Where nobody listens they are dropped by number instead; the sweep then rings for all
that the database says is to be done, so nothing is lost.
"""

from collections.abc import Iterable

import redis
import structlog

from app.queue import QUEUES
from app.settings import settings

log = structlog.get_logger()

MOST_WAITING = 200  # in one queue


def _broker() -> redis.Redis:
    return redis.Redis.from_url(settings().redis_url, socket_timeout=3, socket_connect_timeout=3)


def messages_wait(queues: Iterable[str]) -> bool:
    """Is any of these queues not empty? A broker that is away holds nothing for anybody."""
    try:
        with _broker() as client:
            return any(client.llen(queue) for queue in queues)
    except (redis.RedisError, OSError):
        return False


def drop_too_many() -> None:
    """Empty every queue with more than MOST_WAITING doorbells. Call it before looking at the database, not after."""
    try:
        with _broker() as client:
            for queue in sorted(set(QUEUES.values())):
                if (count := client.llen(queue)) > MOST_WAITING:
                    client.delete(queue)
                    log.info("doorbells.dropped", queue=queue, count=count)
    except (redis.RedisError, OSError) as error:
        log.warning("doorbells.broker_away", error=type(error).__name__)
