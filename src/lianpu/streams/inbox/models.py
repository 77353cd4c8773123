"""The inbox's tables: unknown persons, their faces, and what somebody said of them."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from lianpu.database.base import Base, UtcDateTime, VectorBlob, figure, identifier, new_id, now_utc

UUID_LENGTH = 36


class UnknownPerson(Base):
    """One cluster. It is of one pack version, and so are all its faces: vectors of different packs never meet."""

    __tablename__ = "unknown_persons"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    pack: Mapped[str] = mapped_column(identifier(64))
    pack_version: Mapped[str] = mapped_column(identifier(32))
    sightings: Mapped[int] = mapped_column(Integer, default=0)
    """Times that a stream saw the person come and go; more than there are faces, since only the best are kept."""
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (Index(None, "last_seen_at", "id"), Index(None, "pack", "pack_version"))


class UnknownFace(Base):
    """The best face of one sighting."""

    __tablename__ = "unknown_faces"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    unknown_id: Mapped[str] = mapped_column(ForeignKey("unknown_persons.id", ondelete="CASCADE"))
    stream_id: Mapped[str] = mapped_column(identifier(UUID_LENGTH))
    """No foreign key: streams that ended are cleared away by a retention of their own."""
    dimension: Mapped[int] = mapped_column(Integer)
    vector: Mapped[NDArray[np.float32]] = mapped_column(VectorBlob)
    quality: Mapped[float] = mapped_column(figure())
    is_live: Mapped[bool | None] = mapped_column(Boolean)
    """None: not judged."""
    stored_path: Mapped[str] = mapped_column(String(200))
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (Index(None, "unknown_id", "quality"), Index(None, "seen_at"), Index(None, "stream_id"))


class UnknownVeto(Base):
    """Somebody said that this is not that person. It goes with either of them."""

    __tablename__ = "unknown_vetoes"

    unknown_id: Mapped[str] = mapped_column(ForeignKey("unknown_persons.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("persons.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    __table_args__ = (Index(None, "person_id"),)


class UnknownSeparation(Base):
    """Somebody took these two apart: they are not merged again, however alike they are. `first_id` < `second_id`."""

    __tablename__ = "unknown_separations"

    first_id: Mapped[str] = mapped_column(ForeignKey("unknown_persons.id", ondelete="CASCADE"), primary_key=True)
    second_id: Mapped[str] = mapped_column(ForeignKey("unknown_persons.id", ondelete="CASCADE"), primary_key=True)

    __table_args__ = (Index(None, "second_id"),)


class UnknownInboxHead(Base):
    """One row: one more with each change of the inbox. Whoever changes it keeps the row locked until his commit."""

    __tablename__ = "unknown_inbox_head"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger)
