"""Scopes granted by name, ids of labelled outputs, consents to face swaps and how swaps are labelled."""

import sqlalchemy as sa
from alembic import op

from lianpu.database.base import UtcDateTime, identifier

revision: str = "0010"
down_revision: str | None = "0009"


def upgrade() -> None:
    # Nullable: users from before have none granted.
    op.add_column("users", sa.Column("granted", sa.JSON()))
    op.create_table(
        "labelled_outputs",
        sa.Column("mark", identifier(16), primary_key=True),
        sa.Column("kind", identifier(32), nullable=False),
        sa.Column("job_id", identifier(36), nullable=False),
        sa.Column("owner_id", identifier(128)),
        sa.Column("engine", identifier(64), nullable=False),
        sa.Column("consent_id", identifier(36)),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("sha256", identifier(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_labelled_outputs_job_id", "labelled_outputs", ["job_id"])
    op.create_table(
        "swap_consents",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column(
            "person_id", identifier(128), sa.ForeignKey("persons.id", ondelete="SET NULL"), index=False, nullable=True
        ),
        sa.Column("subject_name", sa.String(200), nullable=False),
        sa.Column("grantor", sa.String(200), nullable=False),
        sa.Column("purpose", identifier(64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("valid_until", UtcDateTime(), nullable=False),
        sa.Column("evidence_sha256", identifier(64), nullable=False),
        sa.Column("evidence_name", sa.String(200), nullable=False),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("created_by", identifier(128), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime()),
        sa.Column("revoked_by", identifier(128)),
        sa.Column("revocation_reason", sa.String(500), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("last_used_at", UtcDateTime()),
    )
    op.create_index("ix_swap_consents_person_id", "swap_consents", ["person_id"])
    op.create_index("ix_swap_consents_created_at_id", "swap_consents", ["created_at", "id"])
    op.create_table(
        "swap_policy",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("visible_label", sa.Boolean(), nullable=False),
        sa.Column("changed_by", identifier(128), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    for table in ("swap_policy", "swap_consents", "labelled_outputs"):
        op.drop_table(table)
    # Not in a batch: SQLite would make the table anew, and the end of the old one would take sessions and keys along.
    op.drop_column("users", "granted")
