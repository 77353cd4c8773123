"""The gallery's tables: persons, their images, the embeddings of those images, and what was decided about them."""

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import JSON, BigInteger, Boolean, Double, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lianpu.database.base import Base, UtcDateTime, VectorBlob, identifier, new_id, now_utc

PERSON_ID_LENGTH = 128
UUID_LENGTH = 36
FAILURE_REASON_MAX_CHARS = 300


class Person(Base):
    __tablename__ = "persons"

    id: Mapped[str] = mapped_column(identifier(PERSON_ID_LENGTH), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200), index=True)
    details: Mapped[dict[str, Any]] = mapped_column("metadata", JSON, default=dict)
    """The column and the API say `metadata`; SQLAlchemy keeps that attribute name for itself."""
    threshold: Mapped[float | None] = mapped_column(Double)
    """Own threshold as a score 0…1; None: the pack's."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (Index(None, "created_at", "id"),)


class GalleryState(Base):
    """What was decided about the gallery as a whole while it ran, by key."""

    __tablename__ = "gallery_state"

    key: Mapped[str] = mapped_column(identifier(128), primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column(JSON)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc, onupdate=now_utc)


class GalleryLogEntry(Base):
    """Something of the gallery that one node changed, for those that hold it in memory: what it became is read there.

    Only on database servers: a home with SQLite has one process.
    """

    __tablename__ = "gallery_log"

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Without gaps and in the order of the commits: who has seen one has seen all before it."""
    embedding_id: Mapped[str | None] = mapped_column(identifier(UUID_LENGTH))
    """Added, removed, or given to another person."""
    state_key: Mapped[str | None] = mapped_column(identifier(128))
    """Of the `GalleryState` that was decided anew; either this or an embedding."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (Index(None, "at"),)


class GalleryLogHead(Base):
    """One row: the last sequence. Whoever changes the gallery keeps the row locked until his commit."""

    __tablename__ = "gallery_log_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)


class PersonImage(Base):
    __tablename__ = "person_images"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    sha256: Mapped[str] = mapped_column(identifier(64))
    is_primary: Mapped[bool] = mapped_column(Boolean, default=False)
    format: Mapped[str] = mapped_column(String(16))
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    size_bytes: Mapped[int] = mapped_column(Integer)
    box: Mapped[list[float]] = mapped_column(JSON)
    """x1, y1, x2, y2 of the person's face in pixels of the upright image: re-embedding finds the same face by it."""
    quality: Mapped[dict[str, Any]] = mapped_column(JSON)
    liveness: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """How live the face was judged at enrolment; None: liveness was off."""
    stored_path: Mapped[str] = mapped_column(String(200))
    thumbnail_path: Mapped[str] = mapped_column(String(200))
    uploaded_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (UniqueConstraint("person_id", "sha256"),)


class FaceEmbedding(Base):
    __tablename__ = "face_embeddings"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"))
    image_id: Mapped[str] = mapped_column(ForeignKey("person_images.id", ondelete="CASCADE"))
    pack: Mapped[str] = mapped_column(identifier(64))
    pack_version: Mapped[str] = mapped_column(identifier(32))
    dimension: Mapped[int] = mapped_column(Integer)
    vector: Mapped[NDArray[np.float32]] = mapped_column(VectorBlob)
    threshold: Mapped[float | None] = mapped_column(Double)
    """Own threshold as a score 0…1; goes before the person's."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (
        UniqueConstraint("image_id", "pack", "pack_version"),
        # With all three in it, either way round, coverage is counted in an index: a row's vector makes the table itself
        # slow to scan.
        Index(None, "pack", "pack_version", "person_id"),
        Index(None, "person_id", "pack", "pack_version"),
    )


class HealthDismissal(Base):
    """A finding of the health report that somebody called fine: it does not come back."""

    __tablename__ = "health_dismissals"

    finding_id: Mapped[str] = mapped_column(identifier(32), primary_key=True)
    kind: Mapped[str] = mapped_column(identifier(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)


class EmbeddingFailure(Base):
    """An image in which a pack does not find the face: it is not tried again unless somebody asks for that."""

    __tablename__ = "embedding_failures"

    image_id: Mapped[str] = mapped_column(ForeignKey("person_images.id", ondelete="CASCADE"), primary_key=True)
    pack: Mapped[str] = mapped_column(identifier(64), primary_key=True)
    pack_version: Mapped[str] = mapped_column(identifier(32), primary_key=True)
    reason: Mapped[str] = mapped_column(String(FAILURE_REASON_MAX_CHARS))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (Index(None, "pack", "pack_version"),)
