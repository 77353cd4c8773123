"""Streams, and what was seen in them."""

import sqlalchemy as sa
from alembic import op

from lianpu.database.base import UtcDateTime, identifier

revision: str = "0007"
down_revision: str | None = "0006"


def upgrade() -> None:
    op.create_table(
        "streams",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column("owner_id", identifier(128), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("source", sa.LargeBinary(8192), nullable=False),
        sa.Column("shown", sa.String(500), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("lifetime_minutes", sa.Float(), nullable=False),
        sa.Column("is_permanent", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("end_reason", identifier(32)),
        sa.Column("end_detail", sa.String(500)),
    )
    op.create_index("ix_streams_is_active_started_at", "streams", ["is_active", "started_at"])
    op.create_index("ix_streams_ended_at", "streams", ["ended_at"])
    op.create_table(
        "stream_events",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column("stream_id", identifier(36), sa.ForeignKey("streams.id", ondelete="CASCADE"), nullable=False),
        sa.Column("kind", identifier(32), nullable=False),
        sa.Column("person_id", identifier(128)),
        sa.Column("person_name", sa.String(200)),
        sa.Column("track", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float()),
        sa.Column("quality", sa.Float(), nullable=False),
        sa.Column("is_live", sa.Boolean()),
        sa.Column("has_crop", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_stream_events_sequence", "stream_events", ["sequence"], unique=True)
    op.create_index("ix_stream_events_stream_id_at", "stream_events", ["stream_id", "at"])
    op.create_index("ix_stream_events_person_id_at", "stream_events", ["person_id", "at"])
    op.create_index("ix_stream_events_at", "stream_events", ["at"])
    head = op.create_table(
        "stream_event_head",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0}])


def downgrade() -> None:
    op.drop_table("stream_event_head")
    op.drop_table("stream_events")
    op.drop_table("streams")
