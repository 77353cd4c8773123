"""Logins that are alive: opened, refreshed by tokens of which each is good once, listed and ended."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.accounts.models import LoginSession, User
from lianpu.accounts.principal import PrincipalKind
from lianpu.accounts.repository import AccountRepository
from lianpu.accounts.roles import Scope
from lianpu.accounts.tokens import AccessTokens, RefreshToken, RefreshTokens
from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.errors import TokenError, TokenExpiredError, TokenRevokedError
from lianpu.http.audited import AuditNote

GRACE = timedelta(seconds=30)
"""Two tabs refresh at the same moment: for so long the one that comes second is given what the first one got."""
SESSIONS_AT_MOST = 100
ENDED_KEPT = timedelta(days=30)
CLIENT_MAX_CHARS = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login gives."""

    access_token: str
    expires_in_s: int
    refresh_token: str
    refresh_expires_in_s: int
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for a login, as far as the connection tells."""

    address: str
    user_agent: str = ""

    def __str__(self) -> str:
        return f"{self.address} {''.join(char for char in self.user_agent if char.isprintable())}"[:CLIENT_MAX_CHARS]


class LoginSessions:
    def __init__(
        self, database: Database, access_tokens: AccessTokens, refresh_tokens: RefreshTokens, *, lifetime: timedelta
    ) -> None:
        """`lifetime`: a session ends when it was not used for so long."""
        self._database = database
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens
        self._lifetime = lifetime

    async def open(self, session: AsyncSession, user: User, caller: Caller) -> Tokens:
        """In the caller's transaction. The sessions that were used longest ago give way to more than a hundred."""
        repository, now = AccountRepository(session), now_utc()
        await repository.delete_ended_sessions(user.id, now - ENDED_KEPT)
        for surplus in (await repository.sessions(user.id, now))[SESSIONS_AT_MOST - 1 :]:
            surplus.revoked_at = now
        login = LoginSession(
            id=new_id(), user_id=user.id, generation=1, client=str(caller), used_at=now, expires_at=now + self._lifetime
        )
        session.add(login)
        return self._tokens(login, user, now)

    async def refresh(self, refresh_token: str, note: AuditNote) -> Tokens:
        """
        Args:
            note: is told whose session it is.

        Raises:
            TokenError: it is not one of this server's.
            TokenExpiredError: the session was not used for too long.
            TokenRevokedError: the session has ended; or it ends now, since the token was used before.
        """
        token, now = self._refresh_tokens.read(refresh_token), now_utc()
        async with self._database.session() as session:
            repository = AccountRepository(session)
            is_first = await repository.rotate_session(token.session_id, token.generation, now, now + self._lifetime)
            found = await repository.session_with_user(token.session_id)
            if found is None or token.generation > found[0].generation:
                raise TokenError("The refresh token is not one of this server.")
            login, user = found
            note.about(user.id, session=login.id)
            if login.revoked_at is not None or not user.is_active:
                raise TokenRevokedError("This login was ended: log in again.")
            if login.expires_at <= now:
                raise TokenExpiredError("This login was not used for too long: log in again.")
            if not is_first and not (token.generation == login.generation - 1 and now - login.used_at <= GRACE):
                await repository.revoke_session(login.id, now)
                await session.commit()
                _log.warning(
                    "a refresh token came again after it was used: its session is ended",
                    extra={"user_id": user.id, "session_id": login.id},
                )
                raise TokenRevokedError("This refresh token was used before: the login is ended. Log in again.")
            await session.commit()
        note.acts_as(PrincipalKind.USER, user.id, user.name)
        return self._tokens(login, user, now)

    async def revoke(self, refresh_token: str, note: AuditNote) -> None:
        """End its session; one that is not of this server's, or has ended, changes nothing (RFC 7009)."""
        try:
            token = self._refresh_tokens.read(refresh_token)
        except TokenError:
            return
        note.about(token.session_id)
        async with self._database.session() as session:
            await AccountRepository(session).revoke_session(token.session_id, now_utc())
            await session.commit()

    async def list(self, user_id: str) -> Sequence[LoginSession]:
        """Those that are good, the one used last first."""
        async with self._database.session() as session:
            return await AccountRepository(session).sessions(user_id, now_utc())

    async def end(self, user_id: str, session_id: str) -> None:
        """
        Raises:
            SessionNotFoundError: this user has no such session.
        """
        async with self._database.session() as session:
            repository = AccountRepository(session)
            await repository.revoke_session((await repository.session_of(user_id, session_id)).id, now_utc())
            await session.commit()

    async def end_others(self, user_id: str, session_id: str) -> None:
        """All but this one."""
        async with self._database.session() as session:
            await AccountRepository(session).revoke_sessions(user_id, now_utc(), except_id=session_id)
            await session.commit()

    def _tokens(self, login: LoginSession, user: User, now: datetime) -> Tokens:
        return Tokens(
            access_token=self._access_tokens.issue(user.id, login.id),
            expires_in_s=int(self._access_tokens.lifetime.total_seconds()),
            refresh_token=self._refresh_tokens.issue(RefreshToken(login.id, login.generation)),
            refresh_expires_in_s=int((login.expires_at - now).total_seconds()),
            scopes=user.scopes,
        )
