"""The tables of webhooks: endpoints, what is on its way to them, and how the last attempts went."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from lianpu.database.base import Base, UtcDateTime, figure, identifier, new_id, now_utc

UUID_LENGTH = 36
URL_MAX_CHARS = 2000
NAME_MAX_CHARS = 200
ERROR_MAX_CHARS = 300


class Webhook(Base):
    __tablename__ = "stream_webhooks"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(NAME_MAX_CHARS), default="")
    url: Mapped[str] = mapped_column(String(URL_MAX_CHARS))
    secret: Mapped[bytes] = mapped_column(LargeBinary(512))
    """Encrypted."""
    kinds: Mapped[list[str]] = mapped_column(JSON)
    """Empty: all; so are the next two."""
    stream_ids: Mapped[list[str]] = mapped_column(JSON)
    person_ids: Mapped[list[str]] = mapped_column(JSON)
    with_crop: Mapped[bool] = mapped_column(Boolean, default=False)
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    disabled_reason: Mapped[str | None] = mapped_column(String(ERROR_MAX_CHARS))
    """Why the server gave up on it; None: it did not."""
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The first failure since the last success."""
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The last success."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)


class WebhookDelivery(Base):
    """An event that an endpoint has not got yet; it is gone once the endpoint has it."""

    __tablename__ = "stream_webhook_deliveries"

    webhook_id: Mapped[str] = mapped_column(ForeignKey("stream_webhooks.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """The event's: an endpoint gets its events in this order."""
    event_id: Mapped[str] = mapped_column(identifier(UUID_LENGTH))
    stream_id: Mapped[str] = mapped_column(identifier(UUID_LENGTH))
    kind: Mapped[str] = mapped_column(identifier(32))
    body: Mapped[str] = mapped_column(Text)
    """JSON as it will be sent; the face comes to it then."""
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    """Not before."""
    is_dead: Mapped[bool] = mapped_column(Boolean, default=False)
    """Given up."""
    error: Mapped[str | None] = mapped_column(String(ERROR_MAX_CHARS))
    """Of the last attempt."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (
        Index(None, "webhook_id", "is_dead", "sequence"),
        Index(None, "created_at"),
    )


class WebhookAttempt(Base):
    """One try, whatever came of it; the last ones of each endpoint are kept."""

    __tablename__ = "stream_webhook_attempts"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("stream_webhooks.id", ondelete="CASCADE"))
    event_id: Mapped[str] = mapped_column(identifier(UUID_LENGTH))
    kind: Mapped[str] = mapped_column(identifier(32))
    number: Mapped[int] = mapped_column(Integer)
    """1: the first try of this event."""
    status: Mapped[int | None] = mapped_column(Integer)
    """HTTP; None: there was no answer."""
    error: Mapped[str | None] = mapped_column(String(ERROR_MAX_CHARS))
    """None: it was delivered."""
    duration_ms: Mapped[float] = mapped_column(figure())
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (Index(None, "webhook_id", "id"),)
