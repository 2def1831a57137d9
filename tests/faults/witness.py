"""A witness beside a running service: looks at the database again and again, and notes what must never be seen there.

Counters equal the rows they count at every moment and not only at the end (I3), they never go back, an ended dataset
stays as it is (I5), and nothing is tried more often than it may be (I4).
"""

import threading
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db import make_engine
from app.models import Call, Dataset, Document, Sample, Unit
from app.models.datasets import FINAL
from tests.service import WINDOW
from tests.service import Service as PlainService

LOOK_SECONDS = 0.25
GROWING = ("version", "units_total", "units_done", "units_failed", "calls", "replayed_calls", "completion_tokens")


class Witness:
    """Runs in a thread of its own; `found` holds what it has seen that must not be, `looks` how often it looked."""

    def __init__(self, database_url: str, unit_attempts: int, document_attempts: int) -> None:
        self.url, self.unit_attempts, self.document_attempts = database_url, unit_attempts, document_attempts
        self.found: list[str] = []
        self.looks = 0
        self._before: dict[str, dict[str, Any]] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        engine = make_engine(self.url)
        while not self._end.wait(LOOK_SECONDS):
            try:
                self.found += self._look(engine)
                self.looks += 1
            except SQLAlchemyError:  # the fault of the day is the database's
                continue
        engine.dispose()

    def _look(self, engine: Engine) -> list[str]:
        """One snapshot: all of it is of the same moment."""
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        found = []
        with Session(engine.execution_options(reading=True)) as session:
            for dataset in session.scalars(select(Dataset)):
                found += [f"{dataset.id}: {what}" for what in wrong_counts(session, dataset)]
                found += [f"{dataset.id}: {what}" for what in self._went_back(dataset)]
            tried = session.scalar(select(func.max(Unit.attempt))) or 0
            read = session.scalar(select(func.max(Document.attempt))) or 0
        if tried > self.unit_attempts:
            found.append(f"a unit was tried {tried} times")
        if read > self.document_attempts + 1:  # the one beyond only writes down that it failed
            found.append(f"a document was tried {read} times")
        return found

    def _went_back(self, dataset: Dataset) -> list[str]:
        now = {name: getattr(dataset, name) for name in (*GROWING, "status", "accepted", "error")}
        before = self._before.get(dataset.id, now)
        self._before[dataset.id] = now
        found = [f"{name} went from {before[name]} to {now[name]}" for name in GROWING if now[name] < before[name]]
        if before["status"] in FINAL and now["status"] != before["status"]:
            found.append(f"{before['status']} became {now['status']}")
        if before["status"] in FINAL and now["accepted"] != before["accepted"]:
            found.append(f"ended with {before['accepted']} rows, and then had {now['accepted']}")
        return found


def wrong_counts(session: Session, dataset: Dataset) -> list[str]:
    """Where a dataset's counters differ from the rows they count, in this session's snapshot."""
    units = _by(session, Unit.status, Unit.dataset_id == dataset.id)
    states = _by(session, Sample.state, Sample.dataset_id == dataset.id)
    dropped = (Sample.dataset_id == dataset.id, Sample.state == "dropped")
    reasons = _by(session, Sample.reason, *dropped)
    calls = session.scalar(select(func.count()).where(Call.dataset_id == dataset.id)) or 0
    pairs = {
        "units_total": (dataset.units_total, sum(units.values())),
        "units_done": (dataset.units_done, units.get("done", 0)),
        "units_failed": (dataset.units_failed, units.get("failed", 0)),
        "accepted": (dataset.accepted, states.get("accepted", 0)),
        "dropped": (dataset.dropped, reasons),
        "calls": (dataset.calls, calls),
    }
    return [f"{name} says {said}, there are {are}" for name, (said, are) in pairs.items() if said != are]


def _by(session: Session, column: Any, *where: Any) -> dict[str, int]:
    return {
        value: count for value, count in session.execute(select(column, func.count()).where(*where).group_by(column))
    }


class Service(PlainService):
    """The service with a witness beside it; a test that saw nothing else wrong fails at its end for what that noted."""

    def __init__(self, folder: Path, **wanted: Any) -> None:
        super().__init__(folder, **({"window_max": WINDOW} | wanted))

    def __enter__(self) -> Self:
        super().__enter__()
        settings = self.settings()
        attempts = int(self.env.get("CORPUSMITH_UNIT_MAX_ATTEMPTS", settings.unit_max_attempts))
        self.witness = Witness(settings.database_url, attempts, settings.document_max_attempts)
        self.witness.__enter__()
        return self

    def __exit__(self, kind: Any, error: Any, at: Any) -> None:
        self.witness.__exit__()
        self.kill()  # an orderly end has a test of its own, and takes longer
        super().__exit__(kind, error, at)
        if error is None:
            assert self.witness.looks, "the witness saw nothing"
            assert not self.witness.found, self.witness.found[:5]
