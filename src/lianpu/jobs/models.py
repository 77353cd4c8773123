"""The tables of jobs: the jobs, what became of each item of those that go through many, and what changed when."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from lianpu.database.base import Base, UtcDateTime, identifier, new_id, now_utc

UUID_LENGTH = 36
ITEM_NAME_MAX_CHARS = 500


class JobStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


class Job(Base):
    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(identifier(64))
    owner_id: Mapped[str | None] = mapped_column(identifier(128))
    """Of the principal who asked for it; null: from before there were accounts."""
    status: Mapped[str] = mapped_column(identifier(16), default=JobStatus.PENDING)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    checkpoint: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Where a handler goes on after a restart; its own format."""
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """`code`, `title`, `detail` and `errors` of the problem that ended it."""
    message: Mapped[str | None] = mapped_column(String(500))
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int | None] = mapped_column(Integer)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    worker: Mapped[str | None] = mapped_column(identifier(UUID_LENGTH))
    """Who runs it. Its lease is renewed while it lives; once that has expired, any worker may take the job over."""
    lease_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    idempotency_key: Mapped[str | None] = mapped_column(identifier(255), unique=True)
    request_digest: Mapped[str | None] = mapped_column(identifier(64))
    """SHA-256 of what was asked under the key: the same key with another content is refused."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(None, "status", "created_at"),
        Index(None, "created_at", "id"),
        Index(None, "owner_id", "created_at"),
    )


class JobItem(Base):
    """Written in the same transaction as the item's effect: both are there or neither is."""

    __tablename__ = "job_items"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(ITEM_NAME_MAX_CHARS))
    status: Mapped[str] = mapped_column(identifier(16))
    """The handler's own word, such as `enrolled` or `failed`."""
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)

    __table_args__ = (Index(None, "job_id", "status"),)


class JobEvent(Base):
    """One change of a job's status, written in the transaction that makes it."""

    __tablename__ = "job_events"

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Without gaps and in the order of the commits: who has seen one has seen all before it."""
    job_id: Mapped[str] = mapped_column(identifier(UUID_LENGTH))
    owner_id: Mapped[str | None] = mapped_column(identifier(128))
    kind: Mapped[str] = mapped_column(identifier(64))
    status: Mapped[str] = mapped_column(identifier(16))
    """What the job became."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

    __table_args__ = (Index(None, "owner_id", "sequence"),)


class JobEventHead(Base):
    """One row: the last sequence. Whoever takes the next one keeps the row locked until his commit."""

    __tablename__ = "job_event_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
