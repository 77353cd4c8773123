"""Users' own images, and what models made of them."""

import sqlalchemy as sa
from alembic import op

from lianpu.database.base import UtcDateTime, identifier

revision: str = "0005"
down_revision: str | None = "0004"


def upgrade() -> None:
    op.create_table(
        "images",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column("owner_id", identifier(128), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("format", identifier(16), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", identifier(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_images_owner_id_created_at_id", "images", ["owner_id", "created_at", "id"])
    op.create_table(
        "inference_results",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column("owner_id", identifier(128), nullable=False),
        sa.Column("image_id", identifier(36), sa.ForeignKey("images.id", ondelete="CASCADE"), nullable=False),
        sa.Column("model", identifier(64), nullable=False),
        sa.Column("model_version", sa.String(64), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("output", sa.JSON(), nullable=False),
        sa.Column("duration_ms", sa.Double[float](), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index(
        "ix_inference_results_image_id_created_at_id", "inference_results", ["image_id", "created_at", "id"]
    )


def downgrade() -> None:
    op.drop_table("inference_results")
    op.drop_table("images")
