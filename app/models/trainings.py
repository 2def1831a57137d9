"""Fine-tuning jobs: what was asked for, what happened step by step, and the checkpoints there are."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime
from app.models.columns import CreatedAt, Id, Json, Leased, TenantId

_Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself only for INTEGER

FINAL = ("succeeded", "failed", "cancelled")


class Training(Leased, Base):
    """One fine-tuning job. `status`: validating_files, queued, running, paused, succeeded, failed or cancelled.

    `training_file` and `validation_file` are as they were given; `train_file_id` and `validation_file_id` are the files
    that are read. `held`: it waits for its start. `offset`: so many bytes of its run's events are in the tables.
    `failures`: so often has its run ended without a word since it last got further.
    """

    __tablename__ = "trainings"
    __table_args__ = (
        Index("ix_trainings_tenant_created", "tenant_id", "created_at", "id"),
        Index("ix_trainings_status", "status"),
    )
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    model: Mapped[str] = mapped_column(String(300))
    suffix: Mapped[str | None] = mapped_column(String(64), default=None)
    method: Mapped[str] = mapped_column(String(60))
    variant: Mapped[str] = mapped_column(String(60))
    spec: Mapped[dict[str, Any]] = mapped_column(Json)
    training_file: Mapped[str] = mapped_column(String(60))
    validation_file: Mapped[str | None] = mapped_column(String(60), default=None)
    train_file_id: Mapped[str | None] = mapped_column(String(40), default=None, index=True)
    validation_file_id: Mapped[str | None] = mapped_column(String(40), default=None, index=True)
    seed: Mapped[int]
    labels: Mapped[dict[str, Any]] = mapped_column("metadata", Json, default=dict)
    held: Mapped[bool] = mapped_column(default=False)
    dry_run: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(String(20), default="validating_files")
    error: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)
    estimate: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)
    step: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int | None] = mapped_column(default=None)
    seconds_per_step: Mapped[float | None] = mapped_column(Float(53), default=None)
    trained_tokens: Mapped[int | None] = mapped_column(BigInteger, default=None)
    device: Mapped[str | None] = mapped_column(String(120), default=None)
    offset: Mapped[int] = mapped_column(BigInteger, default=0)
    failures: Mapped[int] = mapped_column(default=0)
    metrics: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    adapter: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # name -> blob, sha256, bytes
    packages: Mapped[dict[str, str] | None] = mapped_column(Json, default=None)  # name -> version it was trained with
    judge_calls: Mapped[int | None] = mapped_column(default=None)
    result_files: Mapped[list[str]] = mapped_column(Json, default=list)
    fine_tuned_model: Mapped[str | None] = mapped_column(String(500), default=None, index=True)
    model_deleted: Mapped[bool] = mapped_column(default=False)
    weights_removed: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class TrainingEvent(Base):
    """What happened to a job. `step`: metrics of that step; there is one such event, however often it was done."""

    __tablename__ = "training_events"
    __table_args__ = (
        UniqueConstraint("training_id", "step"),
        Index("ix_training_events_training_id_id", "training_id", "id"),
    )
    id: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=True)
    tenant_id: Mapped[TenantId]
    training_id: Mapped[str] = mapped_column(ForeignKey("trainings.id"))
    step: Mapped[int | None] = mapped_column(default=None)
    level: Mapped[str] = mapped_column(String(10), default="info")
    message: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[CreatedAt]


class TrainingCheckpoint(Base):
    """A whole checkpoint of a job's run. `folder` is on the machine that trained it."""

    __tablename__ = "training_checkpoints"
    __table_args__ = (UniqueConstraint("training_id", "step"),)
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    training_id: Mapped[str] = mapped_column(ForeignKey("trainings.id"))
    step: Mapped[int]
    folder: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(64))
    metrics: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[CreatedAt]
