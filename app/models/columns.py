"""Columns that several tables share: JSON that is JSONB on PostgreSQL, times, and the lease."""

from datetime import UTC, datetime
from typing import Annotated

from sqlalchemy import JSON, Float, ForeignKey, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import UtcDateTime

Json = JSON().with_variant(JSONB(), "postgresql")

Id = Annotated[str, mapped_column(String(40), primary_key=True)]
TenantId = Annotated[str, mapped_column(String(40), ForeignKey("tenants.id"))]
CreatedAt = Annotated[datetime, mapped_column(UtcDateTime, default=lambda: datetime.now(UTC))]


class Leased:
    """Work that one worker at a time may do. Times are epoch seconds of the database's clock (`db_now`).

    A lease is live while COALESCE(heartbeat_at, leased_at) is younger than `lease_seconds`; results are written only
    where (owner, attempt) still match, so a worker that was thought dead cannot write late (fencing).
    """

    owner: Mapped[str | None] = mapped_column(String(80), default=None)
    attempt: Mapped[int] = mapped_column(default=0)
    leased_at: Mapped[float | None] = mapped_column(Float(53), default=None)
    heartbeat_at: Mapped[float | None] = mapped_column(Float(53), default=None)
