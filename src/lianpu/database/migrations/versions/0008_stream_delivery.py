"""Webhooks: endpoints, what is on its way to them, and how the last attempts went."""

import sqlalchemy as sa
from alembic import op

from lianpu.database.base import UtcDateTime, identifier

revision: str = "0008"
down_revision: str | None = "0007"


def upgrade() -> None:
    op.create_table(
        "stream_webhooks",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("secret", sa.LargeBinary(512), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("stream_ids", sa.JSON(), nullable=False),
        sa.Column("person_ids", sa.JSON(), nullable=False),
        sa.Column("with_crop", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.String(300)),
        sa.Column("failing_since", UtcDateTime()),
        sa.Column("delivered_at", UtcDateTime()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "stream_webhook_deliveries",
        sa.Column(
            "webhook_id", identifier(36), sa.ForeignKey("stream_webhooks.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("sequence", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("event_id", identifier(36), nullable=False),
        sa.Column("stream_id", identifier(36), nullable=False),
        sa.Column("kind", identifier(32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("is_dead", sa.Boolean(), nullable=False),
        sa.Column("error", sa.String(300)),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index(
        "ix_stream_webhook_deliveries_webhook_id_is_dead_sequence",
        "stream_webhook_deliveries",
        ["webhook_id", "is_dead", "sequence"],
    )
    op.create_index("ix_stream_webhook_deliveries_created_at", "stream_webhook_deliveries", ["created_at"])
    op.create_table(
        "stream_webhook_attempts",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column(
            "webhook_id", identifier(36), sa.ForeignKey("stream_webhooks.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("event_id", identifier(36), nullable=False),
        sa.Column("kind", identifier(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("error", sa.String(300)),
        sa.Column("duration_ms", sa.Float(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_stream_webhook_attempts_webhook_id_id", "stream_webhook_attempts", ["webhook_id", "id"])


def downgrade() -> None:
    op.drop_table("stream_webhook_attempts")
    op.drop_table("stream_webhook_deliveries")
    op.drop_table("stream_webhooks")
