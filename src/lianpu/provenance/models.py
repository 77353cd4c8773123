"""The table that says what the id hidden in a labelled output stands for."""

from datetime import datetime

from sqlalchemy import JSON, Index
from sqlalchemy.orm import Mapped, mapped_column

from lianpu.database.base import Base, UtcDateTime, identifier, now_utc

MARK_LENGTH = 16


class LabelledOutput(Base):
    """No pixels, and nothing that leads back to them."""

    __tablename__ = "labelled_outputs"

    mark: Mapped[str] = mapped_column(identifier(MARK_LENGTH), primary_key=True)
    """The 64 bits in hexadecimal: a keyed hash of the kind and the job."""
    kind: Mapped[str] = mapped_column(identifier(32))
    """`swap` or `enhancement`."""
    job_id: Mapped[str] = mapped_column(identifier(36))
    owner_id: Mapped[str | None] = mapped_column(identifier(128))
    engine: Mapped[str] = mapped_column(identifier(64))
    consent_id: Mapped[str | None] = mapped_column(identifier(36))
    labels: Mapped[list[str]] = mapped_column(JSON)
    sha256: Mapped[str] = mapped_column(identifier(64))
    """Of the file as it was given out; empty: it was a live stream."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (Index(None, "job_id"),)
