"""Queries of the accounts' tables."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Update, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from lianpu.accounts.models import ApiKey, LoginSession, SetupToken, User
from lianpu.accounts.roles import Role
from lianpu.errors import ApiKeyNotFoundError, SessionNotFoundError, UserExistsError, UserNotFoundError


class AccountRepository:
    """Never commits."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def user(self, user_id: str) -> User:
        """
        Raises:
            UserNotFoundError: there is no such user.
        """
        user = await self._session.get(User, user_id)
        if user is None:
            raise UserNotFoundError(f"There is no user {user_id!r}.")
        return user

    async def user_by_name_key(self, name_key: str) -> User | None:
        return await self._session.scalar(select(User).where(User.name_key == name_key))

    async def users(self) -> Sequence[User]:
        """By name."""
        return (await self._session.scalars(select(User).order_by(User.name_key))).all()

    async def active_admins(self) -> int:
        query = select(func.count()).where(User.role == Role.ADMIN, User.is_active)
        return await self._session.scalar(query) or 0

    async def hold_admins(self, user_id: str) -> None:
        """Call first in a transaction that may take this administrator away: others that may wait for its end."""
        if self._session.get_bind().dialect.name == "sqlite":
            # It knows no locks of rows: the first write waits for the end of others, and keeps them waiting.
            await self._changed(update(User).where(User.role == Role.ADMIN).values(role=User.role))
            return
        # In one order, so that no two wait for each other; and with the one who is to change, since others that began
        # earlier still count him among the administrators.
        is_admin = and_(User.role == Role.ADMIN, User.is_active)
        held = select(User.id).where(or_(is_admin, User.id == user_id)).order_by(User.id)
        await self._session.execute(held.with_for_update())

    async def add_user(self, user: User) -> None:
        """
        Raises:
            UserExistsError: somebody has that name.
        """
        self._session.add(user)
        await self.flush_user(user)

    async def flush_user(self, user: User) -> None:
        """As `add_user`, for one who was changed."""
        name = user.name
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise UserExistsError(f"There is a user {name!r} already.") from error

    async def delete_user(self, user_id: str) -> None:
        """With sessions and keys."""
        await self._session.execute(delete(User).where(User.id == user_id))

    async def replace_password(self, user_id: str, password_hash: str, new_hash: str) -> bool:
        """False: the password that was checked is no longer good."""
        same = update(User).where(User.id == user_id, User.password_hash == password_hash)
        return await self._changed(same.values(password_hash=new_hash, must_change_password=False)) == 1

    async def note_login(self, user_id: str, password_hash: str, now: datetime, new_hash: str | None) -> bool:
        """False: the user, or the password that was checked, is no longer good."""
        same = update(User).where(User.id == user_id, User.password_hash == password_hash, User.is_active)
        return await self._changed(same.values(last_login_at=now, password_hash=new_hash or password_hash)) == 1

    async def session_with_user(self, session_id: str) -> tuple[LoginSession, User] | None:
        query = select(LoginSession, User).join(User, User.id == LoginSession.user_id)
        row = (await self._session.execute(query.where(LoginSession.id == session_id))).first()
        return None if row is None else (row[0], row[1])

    async def sessions(self, user_id: str, now: datetime) -> Sequence[LoginSession]:
        """Those that are good, the one used last first."""
        query = select(LoginSession).where(
            LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None), LoginSession.expires_at > now
        )
        return (await self._session.scalars(query.order_by(LoginSession.used_at.desc()))).all()

    async def revoke_sessions(self, user_id: str, now: datetime, *, except_id: str | None = None) -> None:
        good = update(LoginSession).where(LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))
        if except_id is not None:
            good = good.where(LoginSession.id != except_id)
        await self._changed(good.values(revoked_at=now))

    async def session_of(self, user_id: str, session_id: str) -> LoginSession:
        """
        Raises:
            SessionNotFoundError: this user has no such session.
        """
        login = await self._session.get(LoginSession, session_id)
        if login is None or login.user_id != user_id:
            raise SessionNotFoundError(f"There is no session {session_id!r}.")
        return login

    async def revoke_session(self, session_id: str, now: datetime) -> None:
        good = update(LoginSession).where(LoginSession.id == session_id, LoginSession.revoked_at.is_(None))
        await self._changed(good.values(revoked_at=now))

    async def rotate_session(self, session_id: str, generation: int, now: datetime, expires_at: datetime) -> bool:
        """Only the first of several that come with the same generation does it; a session that ended stays as it is."""
        good = update(LoginSession).where(
            LoginSession.id == session_id,
            LoginSession.generation == generation,
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > now,
        )
        return await self._changed(good.values(generation=generation + 1, used_at=now, expires_at=expires_at)) == 1

    async def delete_ended_sessions(self, user_id: str, before: datetime) -> None:
        ended = or_(LoginSession.revoked_at < before, LoginSession.expires_at < before)
        await self._session.execute(delete(LoginSession).where(LoginSession.user_id == user_id, ended))

    async def key(self, key_id: str) -> ApiKey:
        """
        Raises:
            ApiKeyNotFoundError: there is no such key.
        """
        key = await self._session.get(ApiKey, key_id)
        if key is None:
            raise ApiKeyNotFoundError(f"There is no API key {key_id!r}.")
        return key

    async def key_with_user(self, prefix: str) -> tuple[ApiKey, User] | None:
        return await self._key_with_user(ApiKey.prefix == prefix)

    async def key_with_user_by_id(self, key_id: str) -> tuple[ApiKey, User] | None:
        return await self._key_with_user(ApiKey.id == key_id)

    async def _key_with_user(self, condition: ColumnElement[bool]) -> tuple[ApiKey, User] | None:
        query = select(ApiKey, User).join(User, User.id == ApiKey.user_id).where(condition)
        row = (await self._session.execute(query)).first()
        return None if row is None else (row[0], row[1])

    async def keys(self, user_id: str | None) -> Sequence[tuple[ApiKey, User]]:
        """Those that are not revoked, newest first; None: everybody's."""
        query = select(ApiKey, User).join(User, User.id == ApiKey.user_id).where(ApiKey.revoked_at.is_(None))
        if user_id is not None:
            query = query.where(ApiKey.user_id == user_id)
        rows = await self._session.execute(query.order_by(ApiKey.created_at.desc(), ApiKey.id))
        return [(row[0], row[1]) for row in rows]

    async def note_key_use(self, key_id: str, now: datetime) -> None:
        await self._changed(update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=now))

    async def setup_digest(self) -> str | None:
        return await self._session.scalar(select(SetupToken.digest).order_by(SetupToken.created_at.desc()).limit(1))

    async def replace_setup_token(self, digest: str | None) -> None:
        """None: there is none any more."""
        await self._session.execute(delete(SetupToken))
        if digest is not None:
            self._session.add(SetupToken(digest=digest))

    async def take_setup_token(self, digest: str) -> bool:
        """Only the first of several takes it; the others wait for the end of its transaction."""
        taken = await self._session.execute(delete(SetupToken).where(SetupToken.digest == digest))
        return _row_count(taken) == 1

    async def _changed(self, statement: Update) -> int:
        """How many rows fitted; objects that were read before do not learn of it."""
        return _row_count(await self._session.execute(statement.execution_options(synchronize_session=False)))


def _row_count(result: Any) -> int:
    return cast(CursorResult[Any], result).rowcount
