"""What of the gallery was changed, in the order of the commits: nodes follow each other by it."""

import sqlalchemy as sa
from alembic import op

from lianpu.database.base import UtcDateTime, identifier

revision: str = "0012"
down_revision: str | None = "0011"


def upgrade() -> None:
    op.create_table(
        "gallery_log",
        sa.Column("sequence", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("embedding_id", identifier(36)),
        sa.Column("state_key", identifier(128)),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_gallery_log_at", "gallery_log", ["at"])
    head = op.create_table(
        "gallery_log_head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0}])


def downgrade() -> None:
    op.drop_table("gallery_log_head")
    op.drop_table("gallery_log")
