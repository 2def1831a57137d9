"""Add attributes of rows: what a task adds to a row beside question and answer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("samples", sa.Column("attributes", JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("samples", "attributes")
