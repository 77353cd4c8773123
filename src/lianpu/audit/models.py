"""The table of audit events."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from lianpu.database.base import Base, UtcDateTime, identifier

KIND_MAX_CHARS = 32
ACTOR_ID_MAX_CHARS = 128
NAME_MAX_CHARS = 128
ACTION_MAX_CHARS = 64
TARGET_MAX_CHARS = 255
CLIENT_MAX_CHARS = 64
HASH_LENGTH = 64


class AuditEvent(Base):
    """Written once and never changed: triggers of the database refuse UPDATE and DELETE."""

    __tablename__ = "audit_events"

    # SQLite keeps the key of a row in the row itself only where its type is INTEGER.
    sequence: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False
    )
    """1, 2, 3 … without a gap."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(identifier(KIND_MAX_CHARS))
    actor_id: Mapped[str] = mapped_column(identifier(ACTOR_ID_MAX_CHARS))
    actor_name: Mapped[str] = mapped_column(identifier(NAME_MAX_CHARS))
    """As it was then; whoever is renamed later keeps the id."""
    action: Mapped[str] = mapped_column(identifier(ACTION_MAX_CHARS))
    outcome: Mapped[str] = mapped_column(identifier(16))
    status: Mapped[int] = mapped_column(Integer)
    """Of the HTTP answer; 0 where there was none."""
    target: Mapped[str | None] = mapped_column(identifier(TARGET_MAX_CHARS))
    """Id of what was acted upon."""
    client: Mapped[str] = mapped_column(String(CLIENT_MAX_CHARS))
    """Address that the request came from; empty where there was none."""
    request_id: Mapped[str] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Ids, counts and figures; never image content, vectors, names of persons or credentials."""
    previous_hash: Mapped[str] = mapped_column(identifier(HASH_LENGTH))
    hash: Mapped[str] = mapped_column(identifier(HASH_LENGTH))

    __table_args__ = (
        Index(None, "at", "sequence"),
        Index(None, "actor_id", "at", "sequence"),
        Index(None, "actor_id", "action", "at", "sequence"),
        Index(None, "actor_name", "sequence"),
        Index(None, "action", "at", "sequence"),
        Index(None, "target", "at", "sequence"),
    )
