"""Add versions of datasets, and what makes a row the same row in two of them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("datasets", sa.Column("rebuilt_from", sa.String(40), nullable=True))
    op.add_column("datasets", sa.Column("origin", sa.String(40), nullable=True))
    op.add_column("datasets", sa.Column("sealed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_datasets_origin", "datasets", ["origin"])
    op.add_column("samples", sa.Column("identity", sa.String(32), nullable=True))
    op.add_column("samples", sa.Column("content", sa.String(32), nullable=True))
    op.create_index("ix_samples_dataset_identity", "samples", ["dataset_id", "identity"])


def downgrade() -> None:
    op.drop_index("ix_samples_dataset_identity", "samples")
    op.drop_column("samples", "content")
    op.drop_column("samples", "identity")
    op.drop_index("ix_datasets_origin", "datasets")
    op.drop_column("datasets", "sealed")
    op.drop_column("datasets", "origin")
    op.drop_column("datasets", "rebuilt_from")
