"""Exams of fine-tuning jobs, and the adapters that are served."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime
from app.models.columns import CreatedAt, Id, Json, Leased, TenantId


class Exam(Base):
    """One exam of one job. `status`: waiting, succeeded or failed. `questions` were chosen before training began."""

    __tablename__ = "exams"
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    training_id: Mapped[str] = mapped_column(ForeignKey("trainings.id"), unique=True)
    status: Mapped[str] = mapped_column(String(20), default="waiting")
    questions: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    left_out: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)
    report: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class Serving(Leased, Base):
    """A trained adapter on the model servers. `status`: checking, served, refused or unloaded.

    `loaded`: some server has it, so that an unloaded one is still to be taken off. `servers` are their URLs.
    """

    __tablename__ = "servings"
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    training_id: Mapped[str] = mapped_column(ForeignKey("trainings.id"), unique=True)
    model: Mapped[str] = mapped_column(String(500), index=True)
    status: Mapped[str] = mapped_column(String(20), default="checking", index=True)
    loaded: Mapped[bool] = mapped_column(default=False)
    servers: Mapped[list[str]] = mapped_column(Json, default=list)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)
    parity: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
