"""Ends a Celery worker that has gone deaf, so that whoever supervises it starts a new one.

After broker restarts a consumer can stay connected and silent (kombu has had several such bugs). The signs are plain:
messages lie in the queue, this worker has nothing to do, and it has received nothing for a while.
"""

import os
import threading
import time
from collections.abc import Callable

import structlog

from app.settings import settings
from workers import backlog

log = structlog.get_logger()

LOOK_SECONDS = 5.0
EXIT_STATUS = 70  # EX_SOFTWARE


class Watchdog:
    """`received()` on every message; `busy` says whether a task runs. `deaf()` is asked every few seconds."""

    def __init__(self, queues: set[str], busy: Callable[[], bool], deaf_seconds: float | None = None) -> None:
        self.queues, self.busy = queues, busy
        self.deaf_seconds = settings().worker_deaf_seconds if deaf_seconds is None else deaf_seconds
        self._well_at = time.monotonic()

    def received(self) -> None:
        self._well_at = time.monotonic()

    def deaf(self) -> bool:
        """Messages have been waiting for `deaf_seconds` while this worker was idle and received none."""
        if self.busy() or not backlog.messages_wait(self.queues):
            self.received()
        return time.monotonic() - self._well_at > self.deaf_seconds

    def start(self) -> None:
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(min(LOOK_SECONDS, self.deaf_seconds / 3))
            if self.deaf():
                log.error("worker.deaf", queues=sorted(self.queues), seconds=self.deaf_seconds)
                os._exit(EXIT_STATUS)
