"""verify_job: what must hold after any fault (invariants I1 to I9 of the table in README.md)."""

import hashlib
import json
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import catalog
from app.db import make_engine
from app.llm.asking import CONTENT_TRIES
from app.models import Call, Context, Dataset, Document, Event, Sample, Unit
from app.models.datasets import FINAL
from tests.fakes.process import FakeModel
from tests.faults.witness import wrong_counts
from tests.service import SECRET, Service

TRACES = ("Traceback", 'File "', "sqlalchemy", "psycopg", SECRET)


def verify_job(service: Service, model: FakeModel, dataset_id: str, *, killed_in_flight: int) -> dict[str, int]:
    """Check the ledger, the rows, the counters, the files and the export of an ended dataset.

    `killed_in_flight`: calls that may have been paid for twice, because their worker died before it had the reply.
    That there is an ended dataset to look at, and nobody helped, is I6.
    """
    engine = make_engine(service.settings().database_url)
    with Session(engine.execution_options(reading=True)) as session:
        dataset = session.get_one(Dataset, dataset_id)
        repaid = _paid_once(session, model, dataset, killed_in_flight)
        _rows_once(session, dataset)
        # I3: counters are exact.
        assert wrong_counts(session, dataset) == []
        _ended(session, dataset)
        _errors_are_clear(service, session, dataset)
        _uploads_are_whole(service, session, dataset)
        kept = [row.id for row in _of(session, Sample, dataset) if row.state == "accepted"]
        figures = {"ledger": dataset.calls, "rows": len(_of(session, Sample, dataset))}
    engine.dispose()
    _export_holds_all(service, dataset_id, kept)
    return figures | {"repaid": repaid}


def _of(session: Session, table: Any, dataset: Dataset) -> list[Any]:
    return list(session.scalars(select(table).where(table.dataset_id == dataset.id)))


def _paid_once(session: Session, model: FakeModel, dataset: Dataset, killed_in_flight: int) -> int:
    """I1: what was paid for is in the ledger, but for what was in flight at a kill. I4: nothing is asked for ever."""
    bill = model.bill()
    paid = session.scalar(select(func.count()).select_from(Call)) or 0
    tried = dict(session.execute(select(Unit.attempt, func.count()).group_by(Unit.attempt)).all())  # a lease lost shows
    assert bill.total - paid <= killed_in_flight, (bill.total, paid, tried)
    assert bill.distinct <= paid + killed_in_flight
    task = catalog.TASKS[dataset.task]
    cost = task.cost(task.options.model_validate(dataset.spec["options"]))
    assert dataset.calls <= dataset.units_total * cost * CONTENT_TRIES, (dataset.calls, dataset.units_total, cost)
    return bill.total - paid


def _rows_once(session: Session, dataset: Dataset) -> None:
    """I2: no row twice, no context twice in one round, and no place of the dataset taken twice."""
    rows, units = _of(session, Sample, dataset), _of(session, Unit, dataset)
    assert len({(row.unit_id, row.key) for row in rows}) == len(rows)
    assert len({(unit.context_id, unit.round) for unit in units}) == len(units)
    assert [context.position for context in sorted(_of(session, Context, dataset), key=lambda c: c.position)] == list(
        range(len(_of(session, Context, dataset)))
    )
    assert {row.unit_id for row in rows} <= {unit.id for unit in units if unit.status == "done"}


def _ended(session: Session, dataset: Dataset) -> None:
    """I5: it has ended once, and nothing of it is left running. That it stays so is for the witness to see."""
    assert dataset.status in FINAL
    assert all(unit.status != "running" for unit in _of(session, Unit, dataset))
    ends = [e.type for e in _of(session, Event, dataset) if e.type.removeprefix("status.") in FINAL]
    assert ends == [f"status.{dataset.status}"]


def _errors_are_clear(service: Service, session: Session, dataset: Dataset) -> None:
    """I7: whatever failed has a code and a sentence, which show neither our insides nor a secret; nor does any log."""
    said = [service.http.get(f"/v1/datasets/{dataset.id}").text]
    if dataset.status == "failed":
        assert dataset.error is not None
        assert dataset.error["code"].replace("_", "").isalpha()
        assert dataset.error["message"]
    for unit in _of(session, Unit, dataset):
        assert unit.reason or unit.status != "failed"
        said.append(unit.reason or "" if unit.status == "failed" else "")
    for row in _of(session, Sample, dataset):
        assert row.reason or row.state == "accepted"
        said.append(row.detail or "")
    for document in session.scalars(select(Document).where(Document.status == "failed")):
        assert document.reason
        assert document.detail
        said.append(document.detail)
    for text in said:
        assert not [trace for trace in TRACES if trace in text], text
    for log in service.folder.glob("*.log"):
        assert SECRET not in log.read_text(errors="replace"), log


def _uploads_are_whole(service: Service, session: Session, dataset: Dataset) -> None:
    """I8: the bytes of every document that was ever acknowledged are there, and are those that were sent."""
    for document in session.scalars(select(Document)):
        data = blob(service.folder, document.sha256).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (document.size, document.sha256)


def blob(folder: Path, sha256: str) -> Path:
    return folder / "blobs" / sha256[:2] / sha256


def _export_holds_all(service: Service, dataset_id: str, kept: list[int]) -> None:
    """I1, I9: every accepted row is in the export, once; its bytes are those announced, also when read again."""
    if not kept:
        return
    export = service.exported(dataset_id, include_sources=True)
    assert export["status"] == "succeeded", export
    again = service.exported(dataset_id, include_sources=True)
    file = export["files"]["data.jsonl"]
    data = service.http.get(file["url"]).content
    assert hashlib.sha256(data).hexdigest() == file["sha256"] == again["files"]["data.jsonl"]["sha256"]
    rows = [int(json.loads(line)["sample_id"]) for line in data.splitlines()]
    assert sorted(rows) == sorted(kept)
