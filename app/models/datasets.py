"""What people ask for: a dataset, its contexts, units of work, rows, and what happened on the way."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UtcDateTime
from app.models.columns import CreatedAt, Id, Json, Leased, TenantId

_Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself only for INTEGER

FINAL = ("succeeded", "failed", "cancelled")


class Dataset(Leased, Base):
    """One request for rows. `version` grows with every change (ETag); `waiting` says what it waits for, if anything.

    `rebuilt_from` is the dataset that this one makes again, `origin` the first of that chain (None: it is the first).
    `sealed`: another was made of its rows or its request, so it may not be repaired.
    """

    __tablename__ = "datasets"
    __table_args__ = (
        Index("ix_datasets_tenant_created", "tenant_id", "created_at", "id"),
        Index("ix_datasets_status", "status"),
        Index("ix_datasets_origin", "origin"),
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
    rebuilt_from: Mapped[str | None] = mapped_column(String(40), default=None)
    origin: Mapped[str | None] = mapped_column(String(40), default=None)
    sealed: Mapped[bool] = mapped_column(default=False, server_default=false())
    round: Mapped[int] = mapped_column(default=0)
    units_total: Mapped[int] = mapped_column(default=0)
    units_done: Mapped[int] = mapped_column(default=0)
    units_failed: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    dropped: Mapped[dict[str, int]] = mapped_column(Json, default=dict)
    findings: Mapped[dict[str, int]] = mapped_column(Json, default=dict, server_default="{}")
    parts: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list, server_default="[]")  # of a mix
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

    `seed_questions`: those of the user's own questions that belong here, or None. `sha256`: of what it holds, whatever
    the ids of its documents: what is drawn for it is drawn by this. Empty in datasets planned before there was one.
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
    sha256: Mapped[str] = mapped_column(String(64), default="", server_default="")
    seed_questions: Mapped[list[str] | None] = mapped_column(Json, default=None)


class Unit(Leased, Base):
    """One context x one round of work. `status`: pending, running, done or failed.

    `position` is its turn, `place` the number that shares of the dataset are apportioned by (workers.places).
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
    place: Mapped[int] = mapped_column(default=0, server_default="0")
    status: Mapped[str] = mapped_column(String(20), default="pending")
    reason: Mapped[str | None] = mapped_column(Text, default=None)
    work: Mapped[dict[str, Any] | None] = mapped_column(Json, default=None)


class Sample(Base):
    """One row. `state`: accepted or dropped (then with `reason`). `key` makes a second insert of it impossible.

    `identity` and `content` tell it from the rows of other datasets (app.datasets.identity); None: not known yet.
    """

    __tablename__ = "samples"
    __table_args__ = (
        UniqueConstraint("unit_id", "key"),
        Index("ix_samples_dataset_state_id", "dataset_id", "state", "id"),
        Index("ix_samples_dataset_identity", "dataset_id", "identity"),
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
    identity: Mapped[str | None] = mapped_column(String(32), default=None)
    content: Mapped[str | None] = mapped_column(String(32), default=None)
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
