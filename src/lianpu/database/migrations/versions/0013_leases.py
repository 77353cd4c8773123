"""Leases, and streams that any node may run."""

import sqlalchemy as sa
from alembic import op

from lianpu.database.base import UtcDateTime, identifier

revision: str = "0013"
down_revision: str | None = "0012"

FLAGS = ("is_pushed", "is_paused", "stop_requested")


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("name", identifier(64), primary_key=True),
        sa.Column("holder", identifier(36)),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", UtcDateTime()),
    )
    op.add_column("streams", sa.Column("node", identifier(36)))
    for name in FLAGS:
        op.add_column("streams", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    head = op.create_table(
        "unknown_inbox_head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0}])


def downgrade() -> None:
    op.drop_table("unknown_inbox_head")
    for name in (*FLAGS, "node"):
        op.drop_column("streams", name)
    op.drop_table("leases")
