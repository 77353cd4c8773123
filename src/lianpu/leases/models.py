"""The table of leases."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from lianpu.database.base import Base, UtcDateTime, identifier

NAME_LENGTH = 64


class Lease(Base):
    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(identifier(NAME_LENGTH), primary_key=True)
    """What it is on: a stream's id, or the name of some work."""
    holder: Mapped[str | None] = mapped_column(identifier(36))
    """A node; None: it was given back, or nobody has had it yet."""
    epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    """One more each time it is taken: what somebody writes under an earlier one is refused."""
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """By the database's clock; where nobody holds it, when it was given back."""
