"""Immutable files made of a dataset's accepted rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime
from app.models.columns import CreatedAt, Id, Json, Leased, TenantId


class Export(Leased, Base):
    """`status`: queued, running, succeeded or failed. `files` maps a name to its byte range, SHA-256 and row count."""

    __tablename__ = "exports"
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"), index=True)
    format: Mapped[str] = mapped_column(String(60))
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    status: Mapped[str] = mapped_column(String(20), default="queued", index=True)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)
    rows: Mapped[int] = mapped_column(default=0)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str | None] = mapped_column(String(64), default=None)
    files: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
