"""Files: bytes that are durable before they are acknowledged, listed, read, and deleted with their bytes."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from app import ids, paging
from app.errors import InvalidRequest, NotFound
from app.files.blobs import Kept
from app.files.schemas import OURS, FileRead
from app.models import File

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def add(
    session: Session, tenant_id: str, kept: Kept, filename: str, purpose: str, keep_seconds: int | None = None
) -> File:
    """A durable blob as a file."""
    now = datetime.now(UTC)
    file = File(
        id=ids.new("file"),
        tenant_id=tenant_id,
        filename=clean_name(filename),
        purpose=purpose,
        size=kept.size,
        sha256=kept.sha256,
        blob=kept.blob,
        created_at=now,
        expires_at=now + timedelta(seconds=keep_seconds) if keep_seconds is not None else None,
    )
    session.add(file)
    session.flush()
    return file


def check_purpose(purpose: str) -> None:
    """Raises InvalidRequest for one that only the service itself gives."""
    if purpose in OURS:
        message = f"purpose: files with {purpose!r} are made by the service"
        raise InvalidRequest(message, param="purpose", fields=[("/purpose", message)])


def clean_name(name: str) -> str:
    """The last part of a path, without what cannot be printed."""
    last = re.split(r"[/\\]", _UNPRINTABLE.sub("", name))[-1].strip()
    return last[-255:] or "file"


def there(now: datetime) -> ColumnElement[bool]:
    """Is neither deleted nor past its time."""
    return ~File.deleted & or_(File.expires_at.is_(None), File.expires_at > now)


def get(session: Session, tenant_id: str, file_id: str, *, param: str = "file_id") -> File:
    """Raises NotFound, for a foreign file as for a missing one."""
    found = session.scalar(
        select(File).where(File.id == file_id, File.tenant_id == tenant_id, there(datetime.now(UTC)))
    )
    if found is None:
        raise NotFound(f"file {file_id}", param=param)
    return found


def page(
    session: Session, tenant_id: str, purpose: str | None, after: str | None, limit: int, *, oldest_first: bool
) -> dict[str, Any]:
    query = select(File).where(File.tenant_id == tenant_id, there(datetime.now(UTC)))
    if purpose is not None:
        query = query.where(File.purpose == purpose)
    found = paging.page(session, query, File, tenant_id, after, limit, oldest_first=oldest_first)
    return found | {"data": [read(file) for file in found["data"]]}


def delete(session: Session, tenant_id: str, file_id: str) -> None:
    """Nobody sees it any more; its bytes go with the next sweep, or when the last job that reads them has ended."""
    get(session, tenant_id, file_id).deleted = True


def read(file: File) -> FileRead:
    """A row as the API shows it."""
    return FileRead(
        id=file.id,
        bytes=file.size,
        created_at=int(file.created_at.timestamp()),
        filename=file.filename,
        purpose=file.purpose,
        expires_at=int(file.expires_at.timestamp()) if file.expires_at else None,
    )
