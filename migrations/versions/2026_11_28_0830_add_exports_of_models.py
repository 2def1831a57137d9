"""Add exports of trained models, the packages a run was trained with, and the calls its judge was asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
WHEN = sa.DateTime(timezone=True)

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_exports",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("tenant_id", sa.String(40), sa.ForeignKey("tenants.id"), nullable=False),
        sa.Column("training_id", sa.String(40), sa.ForeignKey("trainings.id"), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("options", JSON, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("error", JSON),
        sa.Column("parity", JSON),
        sa.Column("files", JSON, nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("finished_at", WHEN),
        sa.Column("owner", sa.String(80)),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("leased_at", sa.Float(53)),
        sa.Column("heartbeat_at", sa.Float(53)),
    )
    op.create_index("ix_model_exports_training_id", "model_exports", ["training_id"])
    op.create_index("ix_model_exports_status", "model_exports", ["status"])
    op.add_column("trainings", sa.Column("packages", JSON))
    op.add_column("trainings", sa.Column("judge_calls", sa.Integer()))


def downgrade() -> None:
    op.drop_column("trainings", "judge_calls")
    op.drop_column("trainings", "packages")
    op.drop_table("model_exports")
