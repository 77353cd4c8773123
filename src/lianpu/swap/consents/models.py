"""The tables of consents, and of how swaps are labelled."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from lianpu.database.base import Base, UtcDateTime, identifier, new_id, now_utc

UUID_LENGTH = 36
NAME_MAX_CHARS = 200
NOTE_MAX_CHARS = 1000
REASON_MAX_CHARS = 500
PURPOSE_MAX_CHARS = 64


class SwapConsent(Base):
    """Stays when its person is deleted, and permits nothing any more: it says by what right outputs were made."""

    __tablename__ = "swap_consents"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    person_id: Mapped[str | None] = mapped_column(ForeignKey("persons.id", ondelete="SET NULL"), index=True)
    """Whose face it is; null: the person was deleted."""
    subject_name: Mapped[str] = mapped_column(String(NAME_MAX_CHARS))
    """The person's name when the consent was recorded."""
    grantor: Mapped[str] = mapped_column(String(NAME_MAX_CHARS))
    """Who consented: the person, or who may speak for them."""
    purpose: Mapped[str] = mapped_column(identifier(PURPOSE_MAX_CHARS))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    """Of `image`, `video` and `live`."""
    valid_until: Mapped[datetime] = mapped_column(UtcDateTime)
    evidence_sha256: Mapped[str] = mapped_column(identifier(64))
    """Of the signed paper or recording, which its owner keeps."""
    evidence_name: Mapped[str] = mapped_column(String(NAME_MAX_CHARS))
    note: Mapped[str] = mapped_column(String(NOTE_MAX_CHARS), default="")
    created_by: Mapped[str] = mapped_column(identifier(128))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_by: Mapped[str | None] = mapped_column(identifier(128))
    revocation_reason: Mapped[str] = mapped_column(String(REASON_MAX_CHARS), default="")
    uses: Mapped[int] = mapped_column(Integer, default=0)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "created_at", "id"),)


class SwapPolicy(Base):
    """One row at most; without it, labels are visible."""

    __tablename__ = "swap_policy"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    visible_label: Mapped[bool] = mapped_column(Boolean)
    changed_by: Mapped[str] = mapped_column(identifier(128))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
