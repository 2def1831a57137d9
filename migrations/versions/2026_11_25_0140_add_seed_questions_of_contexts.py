"""Add the user's own questions of each context."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contexts", sa.Column("seed_questions", JSON, nullable=True))


def downgrade() -> None:
    op.drop_column("contexts", "seed_questions")
