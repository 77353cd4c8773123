"""What became of the jobs when, in the order of the commits."""

import sqlalchemy as sa
from alembic import op

from lianpu.database.base import UtcDateTime, identifier

revision: str = "0006"
down_revision: str | None = "0005"


def upgrade() -> None:
    op.create_table(
        "job_events",
        sa.Column("sequence", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("job_id", identifier(36), nullable=False),
        sa.Column("owner_id", identifier(128)),
        sa.Column("kind", identifier(64), nullable=False),
        sa.Column("status", identifier(16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_job_events_at", "job_events", ["at"])
    op.create_index("ix_job_events_owner_id_sequence", "job_events", ["owner_id", "sequence"])
    head = op.create_table(
        "job_event_head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0}])


def downgrade() -> None:
    op.drop_table("job_event_head")
    op.drop_table("job_events")
