"""Jobs, and what the complete gallery needs beside its three tables."""

import sqlalchemy as sa
from alembic import op

from lianpu.database.base import UtcDateTime, identifier

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    _create_jobs()
    op.add_column("person_images", sa.Column("liveness", sa.JSON()))
    op.create_table(
        "gallery_state",
        sa.Column("key", identifier(128), primary_key=True),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "health_dismissals",
        sa.Column("finding_id", identifier(32), primary_key=True),
        sa.Column("kind", identifier(32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "embedding_failures",
        sa.Column("image_id", identifier(36), sa.ForeignKey("person_images.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("pack", identifier(64), primary_key=True),
        sa.Column("pack_version", identifier(32), primary_key=True),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
    )
    op.create_index("ix_embedding_failures_pack_pack_version", "embedding_failures", ["pack", "pack_version"])
    op.drop_index("ix_face_embeddings_pack_pack_version", "face_embeddings")
    op.create_index(
        "ix_face_embeddings_pack_pack_version_person_id", "face_embeddings", ["pack", "pack_version", "person_id"]
    )
    op.create_index(
        "ix_face_embeddings_person_id_pack_pack_version", "face_embeddings", ["person_id", "pack", "pack_version"]
    )
    op.drop_index("ix_face_embeddings_person_id", "face_embeddings")


def downgrade() -> None:
    op.create_index("ix_face_embeddings_person_id", "face_embeddings", ["person_id"])
    op.drop_index("ix_face_embeddings_person_id_pack_pack_version", "face_embeddings")
    op.drop_index("ix_face_embeddings_pack_pack_version_person_id", "face_embeddings")
    op.create_index("ix_face_embeddings_pack_pack_version", "face_embeddings", ["pack", "pack_version"])
    op.drop_column("person_images", "liveness")
    for table in ("health_dismissals", "embedding_failures", "gallery_state", "job_items", "jobs"):
        op.drop_table(table)


def _create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", identifier(36), primary_key=True),
        sa.Column("kind", identifier(64), nullable=False),
        sa.Column("status", identifier(16), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("checkpoint", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON()),
        sa.Column("error", sa.JSON()),
        sa.Column("message", sa.String(500)),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("worker", identifier(36)),
        sa.Column("lease_expires_at", UtcDateTime()),
        sa.Column("idempotency_key", identifier(255), unique=True),
        sa.Column("request_digest", identifier(64)),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime()),
        sa.Column("finished_at", UtcDateTime()),
    )
    op.create_index("ix_jobs_status_created_at", "jobs", ["status", "created_at"])
    op.create_index("ix_jobs_created_at_id", "jobs", ["created_at", "id"])
    op.create_table(
        "job_items",
        sa.Column("job_id", identifier(36), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(500), nullable=False),
        sa.Column("status", identifier(16), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
    )
    op.create_index("ix_job_items_job_id_status", "job_items", ["job_id", "status"])
