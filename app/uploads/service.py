"""Uploads in parts: each part durable before it is acknowledged, put together and checked at the end."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import ids
from app.db import reading, transaction
from app.errors import InvalidRequest, NotFound, TooLarge, WrongState
from app.files import blobs
from app.files import service as files
from app.files.blobs import Kept
from app.models import File, PartedUpload, UploadPart
from app.settings import settings
from app.storage import storage
from app.uploads.schemas import PartRead, UploadComplete, UploadCreate, UploadRead

MAX_PARTS = 10_000
_FINAL = {"x-should-retry": "false"}


def create(session: Session, tenant_id: str, wanted: UploadCreate) -> PartedUpload:
    """Raises TooLarge, or InvalidRequest for a purpose that only the service gives."""
    files.check_purpose(wanted.purpose)
    limit = settings().max_assembled_bytes
    if wanted.bytes > limit:
        raise TooLarge(f"the file will have {wanted.bytes} bytes; the limit is {limit}", param="bytes")
    upload = PartedUpload(
        id=ids.new("upload"),
        tenant_id=tenant_id,
        filename=files.clean_name(wanted.filename),
        purpose=wanted.purpose,
        mime_type=wanted.mime_type,
        size=wanted.bytes,
        keep_seconds=wanted.expires_after.seconds if wanted.expires_after else None,
        status="pending",
        expires_at=datetime.now(UTC) + timedelta(seconds=settings().upload_expire_seconds),
    )
    session.add(upload)
    session.flush()
    return upload


def get(session: Session, tenant_id: str, upload_id: str, *, lock: bool = False) -> PartedUpload:
    """Raises NotFound, for a foreign upload as for a missing one."""
    upload = session.get(PartedUpload, upload_id, with_for_update=lock or None)
    if upload is None or upload.tenant_id != tenant_id:
        raise NotFound(f"upload {upload_id}", param="upload_id")
    return upload


def check_open(upload: PartedUpload) -> None:
    """Raises WrongState unless it takes parts."""
    status = "expired" if _is_over(upload) else upload.status
    if status != "pending":
        raise WrongState(f"upload {upload.id} is {status}", headers=_FINAL)


def _is_over(upload: PartedUpload) -> bool:
    return upload.status == "pending" and upload.expires_at <= datetime.now(UTC)


def add_part(session: Session, tenant_id: str, upload_id: str, kept: Kept) -> PartRead:
    """A durable part. Parts may come at the same time and in any order. Raises NotFound, WrongState or TooLarge."""
    upload = get(session, tenant_id, upload_id, lock=True)
    check_open(upload)
    count = session.scalar(select(func.count()).where(UploadPart.upload_id == upload_id)) or 0
    if count >= MAX_PARTS:
        raise TooLarge(f"an upload has at most {MAX_PARTS} parts")
    part = UploadPart(id=ids.new("part"), tenant_id=tenant_id, upload_id=upload_id, blob=kept.blob, size=kept.size)
    session.add(part)
    session.flush()
    return PartRead(id=part.id, created_at=int(part.created_at.timestamp()), upload_id=upload_id)


def complete(tenant_id: str, upload_id: str, wanted: UploadComplete) -> UploadRead:
    """Put the parts together as a file. Asked again with the same parts, it gives the same file.

    Raises NotFound, WrongState, or InvalidRequest when a part is unknown or size or MD5 are not as announced.
    """
    with reading() as session:
        upload = get(session, tenant_id, upload_id)
        if _done(upload, wanted):
            return read(session, upload)
        check_open(upload)
        parts = _parts(session, upload, wanted.part_ids)
    kept = _put_together(parts, wanted.md5)
    try:
        with transaction() as session:
            upload = get(session, tenant_id, upload_id, lock=True)
            if not _done(upload, wanted):  # else a second request for the same was faster
                check_open(upload)
                file = files.add(session, tenant_id, kept, upload.filename, upload.purpose, upload.keep_seconds)
                upload.status, upload.file_id, upload.part_ids = "completed", file.id, wanted.part_ids
                session.flush()
            done = read(session, upload)
            mine = upload.file_id is not None and session.get_one(File, upload.file_id).blob == kept.blob
    except WrongState:
        storage().forget(kept.blob)
        raise
    if not mine:
        storage().forget(kept.blob)
    return done


def _done(upload: PartedUpload, wanted: UploadComplete) -> bool:
    return upload.status == "completed" and upload.part_ids == wanted.part_ids


def _parts(session: Session, upload: PartedUpload, part_ids: Sequence[str]) -> list[UploadPart]:
    rows = session.scalars(select(UploadPart).where(UploadPart.upload_id == upload.id))
    known = {part.id: part for part in rows}
    for i, part_id in enumerate(part_ids):
        if part_id not in known:
            message = f"part_ids: {part_id} is no part of {upload.id}"
            raise InvalidRequest(message, param="part_ids", fields=[(f"/part_ids/{i}", message)])
    parts = [known[part_id] for part_id in part_ids]
    if (total := sum(part.size for part in parts)) != upload.size:
        message = f"part_ids: these parts have {total} bytes, and {upload.size} were announced"
        raise InvalidRequest(message, param="part_ids", fields=[("/part_ids", message)])
    return parts


def _put_together(parts: Sequence[UploadPart], md5: str | None) -> Kept:
    check = hashlib.md5(usedforsecurity=False)
    with storage().upload() as whole:
        for part in parts:
            for data in blobs.read(part.blob, part.size):
                check.update(data)
                whole.write(data)
        if md5 is not None and md5.lower() != check.hexdigest():
            message = f"md5: these parts have {check.hexdigest()}"
            raise InvalidRequest(message, param="md5", fields=[("/md5", message)])
        return blobs.keep(whole)


def cancel(session: Session, tenant_id: str, upload_id: str) -> PartedUpload:
    """Take no more parts, and drop those there are. Raises NotFound, or WrongState for a completed one."""
    upload = get(session, tenant_id, upload_id, lock=True)
    if upload.status != "cancelled":
        check_open(upload)
        upload.status = "cancelled"
    return upload


def read(session: Session, upload: PartedUpload) -> UploadRead:
    """A row as the API shows it."""
    file = session.get(File, upload.file_id) if upload.file_id else None
    return UploadRead(
        id=upload.id,
        bytes=upload.size,
        created_at=int(upload.created_at.timestamp()),
        expires_at=int(upload.expires_at.timestamp()),
        filename=upload.filename,
        purpose=upload.purpose,
        status="expired" if _is_over(upload) else upload.status,
        file=files.read(file) if file else None,
    )
