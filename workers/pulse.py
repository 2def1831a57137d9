"""The heartbeat of a drain, from a thread: keeps its units leased, hears of datasets that were stopped, fences itself.

A worker that cannot reach the database for half a lease must stop making calls: others may have taken its units.
"""

import threading
import time

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from app.db import db_now, reading, slices, transaction
from app.models import Dataset, Unit
from app.settings import settings

log = structlog.get_logger()

LISTEN_SECONDS = 0.7  # pause and cancel are heard within this


class Pulse:
    """`hold` and `let_go` units; `stopped()` gives datasets that generate no more; `lost`: ask no more."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self._seen_at = time.monotonic()
        self._lost = False
        self._held: dict[str, str] = {}
        self._stopped: set[str] = set()
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join(timeout=5)

    def hold(self, unit_id: str, dataset_id: str) -> None:
        with self._lock:
            self._held[unit_id] = dataset_id

    def let_go(self, unit_id: str) -> None:
        with self._lock:
            self._held.pop(unit_id, None)

    @property
    def lost(self) -> bool:
        """There was no word from the database for half a lease, be it away, silent, or this process frozen."""
        self._lost = self._lost or time.monotonic() - self._seen_at > settings().lease_seconds / 2
        return self._lost

    def stopped(self) -> set[str]:
        """Datasets found stopped since the last call."""
        with self._lock:
            found, self._stopped = self._stopped, set()
        return found

    def _run(self) -> None:
        beat_at = self._seen_at = time.monotonic()
        period = settings().lease_seconds / 3
        while not self._end.wait(min(LISTEN_SECONDS, period)):
            with self._lock:
                held = dict(self._held)
            try:
                if held:
                    self._listen(set(held.values()))
                    if time.monotonic() - beat_at >= period:
                        self._beat(list(held))
                        beat_at = time.monotonic()
                else:
                    beat_at = time.monotonic()
                if self.lost:
                    return
                self._seen_at = time.monotonic()
            except SQLAlchemyError as error:
                log.warning("pulse.database_away", error=type(getattr(error, "orig", error)).__name__)

    def _listen(self, dataset_ids: set[str]) -> None:
        with reading() as session:
            rows = session.execute(select(Dataset.id, Dataset.status).where(Dataset.id.in_(dataset_ids)))
            active = {dataset_id for dataset_id, status in rows if status == "generating"}
        with self._lock:
            self._stopped |= dataset_ids - active

    def _beat(self, unit_ids: list[str]) -> None:
        with transaction() as session:
            for some in slices(unit_ids):
                session.execute(
                    update(Unit)
                    .where(Unit.id.in_(some), Unit.owner == self.owner, Unit.status == "running")
                    .values(heartbeat_at=db_now())
                )
