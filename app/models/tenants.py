"""Who may come in: tenants, their API keys, and the answers already given to their idempotent requests."""

from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime
from app.models.columns import CreatedAt, Id, Json, TenantId

DEFAULT_TENANT = "default"


class Tenant(Base):
    __tablename__ = "tenants"
    id: Mapped[Id]
    created_at: Mapped[CreatedAt]


class ApiKey(Base):
    """A key as we keep it: its SHA-256 (256 random bits need no slow hash), and its first characters to tell it by."""

    __tablename__ = "api_keys"
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    name: Mapped[str] = mapped_column(String(200))
    shown: Mapped[str] = mapped_column(String(20))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class IdempotencyKey(Base):
    """One request that must happen once: stored in the transaction of what it made, replayed for 48 hours."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("tenant_id", "route", "key"),)
    KEPT: ClassVar = timedelta(hours=48)
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    route: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(255))
    body_sha256: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    headers: Mapped[dict[str, str]] = mapped_column(Json, default=dict)
    created_at: Mapped[CreatedAt]
