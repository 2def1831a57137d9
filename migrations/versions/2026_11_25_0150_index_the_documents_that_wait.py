"""index the documents that wait to be parsed, so that a claim does not sort them all."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WAITING = sa.text("status = 'pending' AND NOT replaced")


def upgrade() -> None:
    op.create_index(
        "ix_documents_waiting",
        "documents",
        ["created_at", "id"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )


def downgrade() -> None:
    op.drop_index("ix_documents_waiting", "documents")
