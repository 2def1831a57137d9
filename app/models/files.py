"""Files of the OpenAI-compatible surface, and uploads whose bytes come in parts."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime
from app.models.columns import CreatedAt, Id, Json, TenantId


class File(Base):
    """`blob` holds `size` bytes of content with `sha256`, and salt behind them (app/files/blobs.py).

    A file that is `deleted`, or whose time is over, is shown to nobody; the sweep removes its bytes and its row.
    """

    __tablename__ = "files"
    __table_args__ = (Index("ix_files_tenant_created", "tenant_id", "created_at", "id"),)
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    filename: Mapped[str] = mapped_column(String(255))
    purpose: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    blob: Mapped[str] = mapped_column(String(64))
    deleted: Mapped[bool] = mapped_column(default=False)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None, index=True)
    created_at: Mapped[CreatedAt]


class PartedUpload(Base):
    """A file on its way in parts. `status`: pending, completed, cancelled or expired."""

    __tablename__ = "uploads"
    __table_args__ = (Index("ix_uploads_status_expires", "status", "expires_at"),)
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    filename: Mapped[str] = mapped_column(String(255))
    purpose: Mapped[str] = mapped_column(String(40))
    mime_type: Mapped[str] = mapped_column(String(255))
    size: Mapped[int] = mapped_column(BigInteger)
    keep_seconds: Mapped[int | None] = mapped_column(default=None)  # of the file, once it is one
    status: Mapped[str] = mapped_column(String(20), default="pending")
    part_ids: Mapped[list[Any]] = mapped_column(Json, default=list)  # those it was completed with, in order
    file_id: Mapped[str | None] = mapped_column(String(40), default=None)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[CreatedAt]


class UploadPart(Base):
    """Some bytes of an upload, durable."""

    __tablename__ = "upload_parts"
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"), index=True)
    blob: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]
