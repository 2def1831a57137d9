"""The report of a dataset that has ended: computed once, kept as a blob."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.models.columns import CreatedAt, TenantId


class Report(Base):
    """`sha256` names the blob. It holds for this `dataset_version` and this `format` of reports only."""

    __tablename__ = "reports"
    dataset_id: Mapped[str] = mapped_column(String(40), ForeignKey("datasets.id"), primary_key=True)
    tenant_id: Mapped[TenantId]
    dataset_version: Mapped[int]
    format: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[CreatedAt]
