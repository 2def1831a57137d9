"""Add what makes a context the same in another dataset, and the number a unit's shares are apportioned by."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contexts", sa.Column("sha256", sa.String(64), nullable=False, server_default=""))
    op.add_column("units", sa.Column("place", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE units SET place = position")


def downgrade() -> None:
    op.drop_column("units", "place")
    op.drop_column("contexts", "sha256")
