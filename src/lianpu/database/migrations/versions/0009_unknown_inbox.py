"""The unknown inbox: faces that streams could not name."""

import sqlalchemy as sa
from alembic import op

from lianpu.database.base import UtcDateTime, VectorBlob, identifier

revision: str = "0009"
down_revision: str | None = "0008"


def upgrade() -> None:
    op.create_table(
        "unknown_persons",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column("pack", identifier(64), nullable=False),
        sa.Column("pack_version", identifier(32), nullable=False),
        sa.Column("sightings", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.Column("last_seen_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_unknown_persons_last_seen_at_id", "unknown_persons", ["last_seen_at", "id"])
    op.create_index("ix_unknown_persons_pack_pack_version", "unknown_persons", ["pack", "pack_version"])
    op.create_table(
        "unknown_faces",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column("unknown_id", identifier(36), _of_unknown(), nullable=False),
        sa.Column("stream_id", identifier(36), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("vector", VectorBlob(), nullable=False),
        sa.Column("quality", sa.Float(), nullable=False),
        sa.Column("is_live", sa.Boolean()),
        sa.Column("stored_path", sa.String(200), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_unknown_faces_unknown_id_quality", "unknown_faces", ["unknown_id", "quality"])
    op.create_index("ix_unknown_faces_seen_at", "unknown_faces", ["seen_at"])
    op.create_index("ix_unknown_faces_stream_id", "unknown_faces", ["stream_id"])
    op.create_table(
        "unknown_vetoes",
        sa.Column("unknown_id", identifier(36), _of_unknown(), primary_key=True),
        sa.Column("person_id", identifier(128), sa.ForeignKey("persons.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_unknown_vetoes_person_id", "unknown_vetoes", ["person_id"])
    op.create_table(
        "unknown_separations",
        sa.Column("first_id", identifier(36), _of_unknown(), primary_key=True),
        sa.Column("second_id", identifier(36), _of_unknown(), primary_key=True),
    )
    op.create_index("ix_unknown_separations_second_id", "unknown_separations", ["second_id"])


def downgrade() -> None:
    for table in ("unknown_separations", "unknown_vetoes", "unknown_faces", "unknown_persons"):
        op.drop_table(table)


def _of_unknown() -> sa.ForeignKey:
    return sa.ForeignKey("unknown_persons.id", ondelete="CASCADE")
