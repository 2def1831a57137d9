"""Removes what nobody needs any more: parts of ended uploads, deleted files, weights and exports of deleted models."""

from datetime import UTC, datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.db import db_now, reading, transaction
from app.files import blobs
from app.models import File, IdempotencyKey, ModelExport, PartedUpload, Training, UploadPart
from app.models.trainings import FINAL
from app.storage import storage

AT_ONCE = 200


def run() -> None:
    """One round. Bytes go before their row, so that a crash in between leaves a row to find them by again."""
    with transaction() as session:
        now = _now(session)
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - IdempotencyKey.KEPT))
        over = (PartedUpload.status == "pending", PartedUpload.expires_at <= now)
        session.execute(update(PartedUpload).where(*over).values(status="expired"))
    _remove_parts()
    _remove_files()
    _remove_exports()
    _remove_weights()


def _now(session: Session) -> datetime:
    return datetime.fromtimestamp(session.execute(select(db_now())).scalar_one(), UTC)  # not this machine's clock


def _remove_parts() -> None:
    with reading() as session:
        ended = select(UploadPart.id, UploadPart.blob).join(PartedUpload, PartedUpload.id == UploadPart.upload_id)
        found = session.execute(ended.where(PartedUpload.status != "pending").limit(AT_ONCE)).all()
    for _, blob in found:
        storage().forget(blob)
    if found:
        with transaction() as session:
            session.execute(delete(UploadPart).where(UploadPart.id.in_([part_id for part_id, _ in found])))


def _remove_files() -> None:
    with reading() as session:
        live = select(Training.id).where(Training.status.not_in(FINAL))
        read = live.where((Training.train_file_id == File.id) | (Training.validation_file_id == File.id))
        named = live.where((Training.training_file == File.id) | (Training.validation_file == File.id))
        gone = select(File.id, File.blob).where(
            File.deleted | (File.expires_at <= _now(session)), ~read.exists(), ~named.exists()
        )
        found = session.execute(gone.limit(AT_ONCE)).all()
    for _, blob in found:
        storage().forget(blob)
    if found:
        with transaction() as session:
            session.execute(delete(File).where(File.id.in_([file_id for file_id, _ in found])))


def _remove_exports() -> None:
    """Deleted exports of models, and those of deleted models; a worker that is at one finds it gone when it ends."""
    with reading() as session:
        gone = select(ModelExport).join(Training, Training.id == ModelExport.training_id)
        found = session.scalars(gone.where(ModelExport.deleted | Training.model_deleted).limit(AT_ONCE)).all()
    for export in found:
        blobs.forget(export.files)
        with transaction() as session:
            session.execute(delete(ModelExport).where(ModelExport.id == export.id))


def _remove_weights() -> None:
    with reading() as session:
        gone = select(Training.id, Training.adapter).where(Training.model_deleted, Training.weights_removed.is_(False))
        found = session.execute(gone.limit(AT_ONCE)).all()
    for training_id, adapter in found:
        for file in adapter.values():
            storage().forget(file["blob"])
        with transaction() as session:
            session.execute(update(Training).where(Training.id == training_id).values(adapter={}, weights_removed=True))
