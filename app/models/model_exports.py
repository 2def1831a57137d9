"""Files made of a trained model: its adapter with a card, or weights merged into its base."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime
from app.models.columns import CreatedAt, Id, Json, Leased, TenantId


class ModelExport(Leased, Base):
    """`status`: queued, running, succeeded or failed. `files` maps a name to its blob, SHA-256 and bytes.

    A file that is `own` has a blob of its own, which is removed with the export; others belong to the job. An export
    that is `deleted` is shown to nobody; the sweep removes its bytes and its row.
    """

    __tablename__ = "model_exports"
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    training_id: Mapped[str] = mapped_column(ForeignKey("trainings.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    options: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    status: Mapped[str] = mapped_column(String(20), default="queued", index=True)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)
    parity: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)
    files: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    deleted: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
