"""Ring again for all that has work and nobody at it: lost messages, dead workers, late brokers all end here."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import storage
from app.db import reading, transaction
from app.model_exports.service import DOORBELLS
from app.models import Dataset, Document, Export, ModelExport, Training, Unit
from app.queue import QUEUES, TaskName, send
from workers import backlog, lease, serve, tidy
from workers.units import finish_stuck

AT_ONCE = 500
UNFINISHED_SECONDS = 24 * 3600.0  # an upload that is this old has no client any more


def _units_are_free(session: Session) -> bool:
    generating = select(Dataset.id).where(Dataset.status == "generating")
    for dataset_id in session.scalars(generating.limit(AT_ONCE)):
        open_units = select(Unit.id).where(Unit.dataset_id == dataset_id)
        free_unit = open_units.where((Unit.status == "pending") | ((Unit.status == "running") & lease.is_free(Unit)))
        if session.scalar(free_unit.limit(1)):
            return True
    return False


def run() -> None:
    """Look at the database alone, and send doorbells. Twice is harmless, so two sweeps at once are."""
    with transaction() as session:
        finish_stuck(session)
    tidy.run()
    storage.storage().forget_unfinished(UNFINISHED_SECONDS)
    backlog.drop_too_many()
    rings: list[tuple[TaskName, str]] = []
    with reading() as session:
        pending = select(Document.id).where(Document.status == "pending", ~Document.replaced, lease.is_free(Document))
        if session.scalar(pending.limit(1)):
            rings.append(("parse", ""))
        free = (Dataset.status == "validating", lease.is_free(Dataset))
        rings += [("plan", found) for found in session.scalars(select(Dataset.id).where(*free).limit(AT_ONCE))]
        free = (Dataset.status == "selecting", lease.is_free(Dataset))
        rings += [("select", found) for found in session.scalars(select(Dataset.id).where(*free).limit(AT_ONCE))]
        waiting = select(Export.id).where(Export.status.in_(("queued", "running")), lease.is_free(Export))
        rings += [("export", found) for found in session.scalars(waiting.limit(AT_ONCE))]
        asked = select(ModelExport.id, ModelExport.kind).where(
            ModelExport.status.in_(("queued", "running")), ~ModelExport.deleted, lease.is_free(ModelExport)
        )
        rings += [(DOORBELLS[kind], found) for found, kind in session.execute(asked.limit(AT_ONCE))]
        free = (Training.status == "validating_files", lease.is_free(Training))
        rings += [("check", found) for found in session.scalars(select(Training.id).where(*free).limit(AT_ONCE))]
        waiting = select(Training.id).where(
            Training.status.in_(("queued", "running")), ~Training.held, lease.is_free(Training)
        )
        if not backlog.messages_wait([QUEUES["train"]]) and session.scalar(waiting.limit(1)):
            rings.append(("train", ""))
        if session.scalar(serve.waiting().limit(1)):
            rings.append(("serve", ""))
        # One drain that waits is enough: the next worker that is free takes it, and looks at all datasets.
        if not backlog.messages_wait([QUEUES["drain"]]) and _units_are_free(session):
            rings.append(("drain", ""))
    for name, row_id in dict.fromkeys(rings):
        send(name, *([row_id] if row_id else []))
