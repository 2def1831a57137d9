"""count the calls of planning."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("datasets", sa.Column("planning_calls", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("datasets", "planning_calls")
