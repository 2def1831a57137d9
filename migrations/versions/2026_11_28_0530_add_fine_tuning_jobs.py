"""Add fine-tuning jobs, their events and checkpoints."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
WHEN = sa.DateTime(timezone=True)
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def tenant() -> sa.Column[str]:
    return sa.Column("tenant_id", sa.String(40), sa.ForeignKey("tenants.id"), nullable=False)


def training() -> sa.Column[str]:
    return sa.Column("training_id", sa.String(40), sa.ForeignKey("trainings.id"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "trainings",
        sa.Column("id", sa.String(40), primary_key=True),
        tenant(),
        sa.Column("model", sa.String(300), nullable=False),
        sa.Column("suffix", sa.String(64), nullable=True),
        sa.Column("method", sa.String(60), nullable=False),
        sa.Column("variant", sa.String(60), nullable=False),
        sa.Column("spec", JSON, nullable=False),
        sa.Column("training_file", sa.String(60), nullable=False),
        sa.Column("validation_file", sa.String(60), nullable=True),
        sa.Column("train_file_id", sa.String(40), nullable=True),
        sa.Column("validation_file_id", sa.String(40), nullable=True),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("held", sa.Boolean, nullable=False),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("error", JSON, nullable=True),
        sa.Column("estimate", JSON, nullable=True),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("steps", sa.Integer, nullable=True),
        sa.Column("seconds_per_step", sa.Float(53), nullable=True),
        sa.Column("trained_tokens", sa.BigInteger, nullable=True),
        sa.Column("device", sa.String(120), nullable=True),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("metrics", JSON, nullable=False),
        sa.Column("adapter", JSON, nullable=False),
        sa.Column("result_files", JSON, nullable=False),
        sa.Column("fine_tuned_model", sa.String(500), nullable=True),
        sa.Column("model_deleted", sa.Boolean, nullable=False),
        sa.Column("weights_removed", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("started_at", WHEN, nullable=True),
        sa.Column("finished_at", WHEN, nullable=True),
        sa.Column("owner", sa.String(80), nullable=True),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("leased_at", sa.Float(53), nullable=True),
        sa.Column("heartbeat_at", sa.Float(53), nullable=True),
    )
    op.create_index("ix_trainings_tenant_created", "trainings", ["tenant_id", "created_at", "id"])
    for column in ("status", "train_file_id", "validation_file_id", "fine_tuned_model"):
        op.create_index(f"ix_trainings_{column}", "trainings", [column])
    op.create_table(
        "training_events",
        sa.Column("id", SERIAL, primary_key=True, autoincrement=True),
        tenant(),
        training(),
        sa.Column("step", sa.Integer, nullable=True),
        sa.Column("level", sa.String(10), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.UniqueConstraint("training_id", "step"),
    )
    op.create_index("ix_training_events_training_id_id", "training_events", ["training_id", "id"])
    op.create_table(
        "training_checkpoints",
        sa.Column("id", sa.String(40), primary_key=True),
        tenant(),
        training(),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("metrics", JSON, nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.UniqueConstraint("training_id", "step"),
    )


def downgrade() -> None:
    for table in ("training_checkpoints", "training_events", "trainings"):
        op.drop_table(table)
