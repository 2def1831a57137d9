"""Add exams of fine-tuning jobs, and adapters that are served."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
WHEN = sa.DateTime(timezone=True)

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exams",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant_id", sa.String(40), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("training_id", sa.String(40), sa.ForeignKey("trainings.id"), nullable=False, unique=True),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("questions", JSON, nullable=False),
        sa.Column("left_out", JSON, nullable=False),
        sa.Column("error", JSON),
        sa.Column("report", JSON),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("finished_at", WHEN),
    )
    op.create_table(
        "servings",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant_id", sa.String(40), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("training_id", sa.String(40), sa.ForeignKey("trainings.id"), nullable=False, unique=True),
        sa.Column("model", sa.String(500), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("loaded", sa.Boolean(), nullable=False),
        sa.Column("servers", JSON, nullable=False),
        sa.Column("error", JSON),
        sa.Column("parity", JSON),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("finished_at", WHEN),
        sa.Column("owner", sa.String(80)),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("leased_at", sa.Float(53)),
        sa.Column("heartbeat_at", sa.Float(53)),
    )
    op.create_index("ix_servings_model", "servings", ["model"])
    op.create_index("ix_servings_status", "servings", ["status"])


def downgrade() -> None:
    op.drop_table("servings")
    op.drop_table("exams")
