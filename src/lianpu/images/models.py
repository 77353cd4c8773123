"""The tables of users' own images, and of what models made of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Double, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from lianpu.database.base import Base, UtcDateTime, identifier, new_id, now_utc

UUID_LENGTH = 36
OWNER_LENGTH = 128
NAME_MAX_CHARS = 200


class StoredImage(Base):
    __tablename__ = "images"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(identifier(OWNER_LENGTH))
    name: Mapped[str] = mapped_column(String(NAME_MAX_CHARS))
    """As its owner called the file; shown, and never part of a path."""
    format: Mapped[str] = mapped_column(identifier(16))
    width: Mapped[int] = mapped_column(Integer)
    """Of the upright image, as models see it."""
    height: Mapped[int] = mapped_column(Integer)
    size_bytes: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(identifier(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (Index(None, "owner_id", "created_at", "id"),)

    @property
    def file(self) -> str:
        """Name in the file storage."""
        return file_of(self.id, self.format)

    @property
    def thumbnail_file(self) -> str:
        return thumbnail_of(self.id)


class InferenceResult(Base):
    __tablename__ = "inference_results"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    """That of its task where it has one: a task that is run twice, after a crash, still has one result."""
    owner_id: Mapped[str] = mapped_column(identifier(OWNER_LENGTH))
    image_id: Mapped[str] = mapped_column(ForeignKey("images.id", ondelete="CASCADE"))
    model: Mapped[str] = mapped_column(identifier(64))
    model_version: Mapped[str] = mapped_column(String(64))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    output: Mapped[dict[str, Any]] = mapped_column(JSON)
    duration_ms: Mapped[float] = mapped_column(Double)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (Index(None, "image_id", "created_at", "id"),)


FOLDER = "images"


def file_of(image_id: str, image_format: str) -> str:
    return f"{FOLDER}/{image_id[-2:]}/{image_id}.{image_format}"


def thumbnail_of(image_id: str) -> str:
    return f"{FOLDER}/{image_id[-2:]}/{image_id}.thumbnail.jpg"


def image_id_of(file: str) -> str:
    """Whose file of the storage this is."""
    return file.rpartition("/")[2].partition(".")[0]
