"""The tables of live video: streams, and what was seen in them. Who runs a stream has the lease of the stream's id."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from lianpu.database.base import Base, UtcDateTime, figure, identifier, new_id, now_utc

UUID_LENGTH = 36
SHOWN_MAX_CHARS = 500
NAME_MAX_CHARS = 200


class Stream(Base):
    __tablename__ = "streams"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    owner_id: Mapped[str] = mapped_column(identifier(128))
    name: Mapped[str] = mapped_column(String(NAME_MAX_CHARS), default="")
    source: Mapped[bytes] = mapped_column(LargeBinary(8192))
    """Encrypted: it may hold a camera's password."""
    shown: Mapped[str] = mapped_column(String(SHOWN_MAX_CHARS))
    """The same with credentials masked."""
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    lifetime_minutes: Mapped[float] = mapped_column(figure())
    """-1: for ever."""
    is_permanent: Mapped[bool] = mapped_column(Boolean, default=False)
    """Begins again when the server does."""
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    node: Mapped[str | None] = mapped_column(identifier(UUID_LENGTH))
    """Which one is to run it; None: any."""
    is_pushed: Mapped[bool] = mapped_column(Boolean, default=False)
    """Its frames come to `node`, and no other node can go on with it."""
    is_paused: Mapped[bool] = mapped_column(Boolean, default=False)
    """No faces are to be looked for."""
    stop_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    """Whoever runs it is to end it."""
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_reason: Mapped[str | None] = mapped_column(identifier(32))
    end_detail: Mapped[str | None] = mapped_column(String(500))

    __table_args__ = (Index(None, "is_active", "started_at"), Index(None, "ended_at"))


class StreamEvent(Base):
    __tablename__ = "stream_events"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    stream_id: Mapped[str] = mapped_column(ForeignKey("streams.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(identifier(32))
    person_id: Mapped[str | None] = mapped_column(identifier(128))
    """None: nobody of the gallery."""
    person_name: Mapped[str | None] = mapped_column(String(200))
    """As it was then."""
    track: Mapped[int] = mapped_column(Integer)
    """Number of the face in its stream since the server began."""
    score: Mapped[float | None] = mapped_column(figure())
    quality: Mapped[float] = mapped_column(figure())
    is_live: Mapped[bool | None] = mapped_column(Boolean)
    has_crop: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    sequence: Mapped[int] = mapped_column(BigInteger)
    """Without gaps and in the order of the commits: who has seen one has seen all before it."""

    __table_args__ = (
        Index(None, "stream_id", "at"),
        Index(None, "person_id", "at"),
        Index(None, "at"),
        Index(None, "sequence", unique=True),
    )


class StreamEventHead(Base):
    """One row: the last sequence. Whoever takes the next ones keeps the row locked until his commit."""

    __tablename__ = "stream_event_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
