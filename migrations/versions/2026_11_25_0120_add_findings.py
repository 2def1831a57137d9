"""Add findings: what the detectors of secrets and personal data found in rows, and how often in a dataset."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("samples", sa.Column("findings", JSON, nullable=False, server_default="[]"))
    op.add_column("datasets", sa.Column("findings", JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("datasets", "findings")
    op.drop_column("samples", "findings")
