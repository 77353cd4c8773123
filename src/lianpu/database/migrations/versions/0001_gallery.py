"""The gallery: persons, their images and embeddings."""

import sqlalchemy as sa
from alembic import op

from lianpu.database.base import UtcDateTime, VectorBlob, identifier

revision: str = "0001"
down_revision: str | None = None


def upgrade() -> None:
    op.create_table(
        "persons",
        sa.Column("id", identifier(128), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False, index=True),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column[float | None]("threshold", sa.Double[float]()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_persons_created_at_id", "persons", ["created_at", "id"])
    op.create_table(
        "person_images",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column("person_id", identifier(128), sa.ForeignKey("persons.id", ondelete="CASCADE"), nullable=False),
        sa.Column("sha256", identifier(64), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("format", sa.String(16), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("box", sa.JSON(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("stored_path", sa.String(200), nullable=False),
        sa.Column("thumbnail_path", sa.String(200), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("person_id", "sha256"),
    )
    op.create_table(
        "face_embeddings",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column(
            "person_id", identifier(128), sa.ForeignKey("persons.id", ondelete="CASCADE"), nullable=False, index=True
        ),
        sa.Column("image_id", identifier(36), sa.ForeignKey("person_images.id", ondelete="CASCADE"), nullable=False),
        sa.Column("pack", identifier(64), nullable=False),
        sa.Column("pack_version", identifier(32), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("vector", VectorBlob(), nullable=False),
        sa.Column[float | None]("threshold", sa.Double[float]()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("image_id", "pack", "pack_version"),
    )
    op.create_index("ix_face_embeddings_pack_pack_version", "face_embeddings", ["pack", "pack_version"])


def downgrade() -> None:
    for table in ("face_embeddings", "person_images", "persons"):
        op.drop_table(table)
