"""What people bring: corpora, their documents, and the chunks and embeddings made of them."""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.models.columns import CreatedAt, Id, Json, Leased, TenantId


class Corpus(Base):
    __tablename__ = "corpora"
    __table_args__ = (Index("ix_corpora_tenant_created", "tenant_id", "created_at", "id"),)
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[CreatedAt]


class Document(Leased, Base):
    """One uploaded file. `status`: pending, parsed or failed. A newer upload of the same name sets `replaced`."""

    __tablename__ = "documents"
    __table_args__ = (
        Index("ix_documents_corpus_created", "corpus_id", "created_at", "id"),
        Index("ix_documents_status", "status"),
        Index(
            "ix_documents_waiting",
            "created_at",
            "id",
            sqlite_where=text("status = 'pending' AND NOT replaced"),
            postgresql_where=text("status = 'pending' AND NOT replaced"),
        ),
        Index(
            "uq_documents_current_name",
            "corpus_id",
            "name",
            unique=True,
            sqlite_where=text("NOT replaced"),
            postgresql_where=text("NOT replaced"),
        ),
    )
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    corpus_id: Mapped[str] = mapped_column(ForeignKey("corpora.id"))
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(20), default="pending")
    reason: Mapped[str | None] = mapped_column(String(60), default=None)
    detail: Mapped[str | None] = mapped_column(Text, default=None)
    replaced: Mapped[bool] = mapped_column(default=False)
    media_type: Mapped[str | None] = mapped_column(String(100), default=None)
    language: Mapped[str | None] = mapped_column(String(10), default=None)
    characters: Mapped[int | None] = mapped_column(default=None)
    page_count: Mapped[int | None] = mapped_column(default=None)
    text_sha256: Mapped[str | None] = mapped_column(String(64), default=None)
    layout: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    created_at: Mapped[CreatedAt]


class Chunk(Base):
    """text[start:end] of a document's stored text, cut as `recipe` (a hash of the chunking options) says.

    `page` is the page it begins on; `page_starts` holds [page, offset] of each page that begins within it.
    """

    __tablename__ = "chunks"
    __table_args__ = (UniqueConstraint("document_id", "recipe", "position"),)
    id: Mapped[Id]
    tenant_id: Mapped[TenantId]
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id"))
    recipe: Mapped[str] = mapped_column(String(64))
    position: Mapped[int]
    start: Mapped[int]
    end: Mapped[int]
    section: Mapped[str] = mapped_column(Text, default="")
    page: Mapped[int | None] = mapped_column(default=None)
    page_starts: Mapped[list[list[int]]] = mapped_column(Json, default=list)
    sha256: Mapped[str] = mapped_column(String(64))
    text: Mapped[str] = mapped_column(Text)


class Embedding(Base):
    """The unit vector of one text by one model: float32, little-endian."""

    __tablename__ = "embeddings"
    tenant_id: Mapped[str] = mapped_column(String(40), ForeignKey("tenants.id"), primary_key=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
