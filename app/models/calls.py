"""The ledger: every reply that was paid for, kept as it came, before anyone looks into it."""

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.models.columns import CreatedAt


class Call(Base):
    """`call_key` is the SHA-256 of everything that shaped the reply; a key that is here is never paid for again.

    `unit_id` is "plan" for calls that were made to plan the dataset, before there were units.
    """

    __tablename__ = "calls"
    __table_args__ = (Index("ix_calls_dataset_id_step", "dataset_id", "step"),)
    tenant_id: Mapped[str] = mapped_column(String(40), ForeignKey("tenants.id"), primary_key=True)
    call_key: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(String(40))
    unit_id: Mapped[str] = mapped_column(String(40))
    step: Mapped[str] = mapped_column(String(60))
    model: Mapped[str] = mapped_column(String(200))
    status: Mapped[int]
    reply: Mapped[bytes] = mapped_column(LargeBinary)
    prompt_tokens: Mapped[int] = mapped_column(default=0)
    cached_tokens: Mapped[int] = mapped_column(default=0)
    completion_tokens: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[CreatedAt]
