"""Add repairs: the kind of work of a unit that is no round of its task, and what became of the rows tried again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("units", sa.Column("work", JSON, nullable=True))
    op.add_column("datasets", sa.Column("repaired", JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("datasets", "repaired")
    op.drop_column("units", "work")
