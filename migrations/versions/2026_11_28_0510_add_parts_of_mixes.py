"""Add what a mix took of each of its sources."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("datasets", sa.Column("parts", JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("datasets", "parts")
