"""What people ask for: a dataset, its contexts, units of work, rows, and what happened on the way."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime
from app.models.columns import CreatedAt, Id, Json, Leased, TenantId

_Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself only for INTEGER

FINAL = ("succeeded", "failed", "cancelled")


class Dataset(Leased, Base):
    """One request for rows. `version` grows with every change (ETag); `waiting` says what it waits for, if anything."""

    __tablename__ = "datasets"
    __table_args__ = (
        Index("ix_datasets_tenant_created", "tenant_id", "created_at", "id"),
        Index("ix_datasets_status", "status"),
    )
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    corpus_id: Mapped[str] = mapped_column(ForeignKey("corpora.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    task: Mapped[str] = mapped_column(String(60))
    spec: Mapped[dict[str, Any]] = mapped_column(Json)
    status: Mapped[str] = mapped_column(String(20), default="validating")
    waiting: Mapped[str | None] = mapped_column(Text, default=None)
    error: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)
    shortfall: Mapped[str | None] = mapped_column(Text, default=None)
    version: Mapped[int] = mapped_column(default=1)
    round: Mapped[int] = mapped_column(default=0)
    units_total: Mapped[int] = mapped_column(default=0)
    units_done: Mapped[int] = mapped_column(default=0)
    units_failed: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    dropped: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    findings: Mapped[dict[str, int]] = mapped_column(Json, default=dict, server_default="{}")
    repaired: Mapped[dict[str, dict[str, int]]] = mapped_column(Json, default=dict, server_default="{}")
    calls: Mapped[int] = mapped_column(default=0)
    replayed_calls: Mapped[int] = mapped_column(default=0)
    planning_calls: Mapped[int] = mapped_column(default=0, server_default="0")  # expected to weigh chunks, at most
    prompt_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    cached_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    completion_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class Context(Base):
    """Chunks that belong together, in the order a model reads them; `quality` is 0..1.

    `seed_questions`: those of the user's own questions that belong here, or None.
    """

    __tablename__ = "contexts"
    __table_args__ = (UniqueConstraint("dataset_id", "position"),)
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    position: Mapped[int]
    chunk_ids: Mapped[list[str]] = mapped_column(Json)
    quality: Mapped[float]
    language: Mapped[str] = mapped_column(String(10))
    seed_questions: Mapped[list[str] | None] = mapped_column(Json, default=None)


class Unit(Leased, Base):
    """One context x one round of work. `status`: pending, running, done or failed.

    `work` is null for the task's own recipe; {"repair": [sample ids]} tries dropped rows of the context again.
    """

    __tablename__ = "units"
    __table_args__ = (
        UniqueConstraint("context_id", "round"),
        Index("ix_units_dataset_status_position", "dataset_id", "status", "position"),
        Index("ix_units_dataset_position", "dataset_id", "position"),
    )
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    context_id: Mapped[str] = mapped_column(ForeignKey("contexts.id"))
    round: Mapped[int] = mapped_column(default=0)
    position: Mapped[int]
    status: Mapped[str] = mapped_column(String(20), default="pending")
    reason: Mapped[str | None] = mapped_column(Text, default=None)
    work: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)


class Sample(Base):
    """One row. `state`: accepted or dropped (then with `reason`). `key` makes a second insert of it impossible."""

    __tablename__ = "samples"
    __table_args__ = (
        UniqueConstraint("unit_id", "key"),
        Index("ix_samples_dataset_state_id", "dataset_id", "state", "id"),
    )
    id: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=True)
    tenant_id: Mapped[TenantId]
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    unit_id: Mapped[str] = mapped_column(ForeignKey("units.id"))
    context_id: Mapped[str] = mapped_column(String(40))
    key: Mapped[int]
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(60), default=None)
    detail: Mapped[str | None] = mapped_column(Text, default=None)
    kind: Mapped[str] = mapped_column(String(20))
    evolution: Mapped[str | None] = mapped_column(String(60), default=None)
    parent_question: Mapped[str | None] = mapped_column(Text, default=None)
    question: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    split: Mapped[str | None] = mapped_column(String(12), default=None)
    attributes: Mapped[dict[str, Any]] = mapped_column(Json, default=dict, server_default="{}")
    sources: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    verdicts: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    findings: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list, server_default="[]")
    lineage: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class Event(Base):
    """What happened to a dataset, in order of `id`."""

    __tablename__ = "events"
    __table_args__ = (Index("ix_events_dataset_id_id", "dataset_id", "id"),)
    id: Mapped[int] = mapped_column(_Serial, primary_key=True, autoincrement=True)
    tenant_id: Mapped[TenantId]
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    type: Mapped[str] = mapped_column(String(40))
    level: Mapped[str] = mapped_column(String(10), default="info")
    message: Mapped[str] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[CreatedAt]
