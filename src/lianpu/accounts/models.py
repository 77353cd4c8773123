"""The tables of accounts: users, their sessions, their API keys, and the link that makes the first administrator."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from lianpu.accounts.roles import Role, Scope, scopes_of
from lianpu.database.base import Base, UtcDateTime, identifier, new_id, now_utc

UUID_LENGTH = 36
NAME_MAX_CHARS = 64
NAME_KEY_MAX_CHARS = 4 * NAME_MAX_CHARS
"""Compatibility forms of one character may be several."""
DIGEST_LENGTH = 64


class User(Base):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(NAME_MAX_CHARS))
    """As its user writes it."""
    name_key: Mapped[str] = mapped_column(identifier(NAME_KEY_MAX_CHARS), unique=True)
    """NFKC, case-folded: nobody can take a name that only looks different."""
    password_hash: Mapped[str] = mapped_column(String(255))
    """Argon2id in PHC string format."""
    role: Mapped[str] = mapped_column(identifier(16))
    granted: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """Scopes beyond the role's, given to this user by name; None: none, as before there were any."""
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    must_change_password: Mapped[bool] = mapped_column(Boolean, default=False)
    """An administrator chose the password."""
    last_login_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)

    @property
    def scopes(self) -> frozenset[Scope]:
        """Until a password that somebody else chose is changed, a user may do nothing but change it."""
        if self.must_change_password:
            return frozenset({Scope.ACCOUNT})
        return scopes_of(Role(self.role), self.granted or ())


class LoginSession(Base):
    """One login, kept alive by refresh tokens of which each is good for one use.

    Nothing of those is stored: a refresh token is its session's id and generation, signed.
    """

    __tablename__ = "login_sessions"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    generation: Mapped[int] = mapped_column(Integer, default=1)
    """How many refresh tokens there were; the last one is good."""
    client: Mapped[str] = mapped_column(String(200), default="")
    """User agent and address at the login, for people to recognise it."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    """When the refresh token that is good now was given out."""
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ApiKey(Base):
    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(identifier(UUID_LENGTH), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(NAME_MAX_CHARS))
    prefix: Mapped[str] = mapped_column(identifier(16), unique=True)
    """The part of the key that is no secret: by it the row is found and people recognise the key."""
    digest: Mapped[str] = mapped_column(identifier(DIGEST_LENGTH))
    """Keyed hash of the whole key."""
    scopes: Mapped[list[str]] = mapped_column(JSON)
    """What it may at most; never more than its user's role."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Exact to a minute."""
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "user_id", "created_at"),)


class SetupToken(Base):
    """Of the one-time link by which the first administrator is made; one row at most."""

    __tablename__ = "setup_tokens"

    digest: Mapped[str] = mapped_column(identifier(DIGEST_LENGTH), primary_key=True)
    """Keyed hash of the token."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now_utc)
