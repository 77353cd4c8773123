"""Users: made, changed and deleted, with one active administrator left at all times."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lianpu.accounts.models import User
from lianpu.accounts.names import name_key
from lianpu.accounts.passwords import Passwords
from lianpu.accounts.repository import AccountRepository
from lianpu.accounts.roles import Role, Scope
from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import LastAdminError

OnDeletion = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class UserChange:
    """None: stays as it is."""

    name: str | None = None
    role: Role | None = None
    granted: frozenset[Scope] | None = None
    """Scopes that no role has."""
    is_active: bool | None = None
    password: str | None = None
    must_change_password: bool = True
    """Of a new password: somebody else chose it."""


class Users:
    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._database = database
        self._passwords = passwords
        self._on_deletion: list[OnDeletion] = []

    def on_deletion(self, take_along: OnDeletion) -> None:
        """`take_along` is given the id of a user who is about to go, and deletes what is that user's."""
        self._on_deletion.append(take_along)

    async def list(self) -> Sequence[User]:
        """By name."""
        async with self._database.session() as session:
            return await AccountRepository(session).users()

    async def get(self, user_id: str) -> User:
        """
        Raises:
            UserNotFoundError: there is no such user.
        """
        async with self._database.session() as session:
            return await AccountRepository(session).user(user_id)

    async def create(self, name: str, password: str, role: Role, *, must_change_password: bool) -> User:
        """
        Raises:
            FieldsInvalidError: the password is not good enough.
            UserExistsError: somebody has that name, or one that differs in case or width only.
            BusyError: too many passwords wait to be hashed.
        """
        user = await self.new(name, password, role, must_change_password=must_change_password)
        async with self._database.session() as session:
            repository = AccountRepository(session)
            await repository.add_user(user)
            if role is Role.ADMIN:
                await repository.replace_setup_token(None)
            await session.commit()
        return user

    async def new(self, name: str, password: str, role: Role, *, must_change_password: bool) -> User:
        """As `create`, for a transaction of the caller's own: nothing is stored yet."""
        self._passwords.check(password, name)
        return User(
            name=name,
            name_key=name_key(name),
            password_hash=await self._passwords.hash(password),
            role=role.value,
            must_change_password=must_change_password,
        )

    async def update(self, user_id: str, change: UserChange) -> User:
        """A new role, grant, password or state ends all sessions of the user.

        Raises:
            UserNotFoundError: there is no such user.
            FieldsInvalidError: the password is not good enough.
            UserExistsError: somebody else has that name.
            LastAdminError: no active administrator would be left.
            BusyError: too many passwords wait to be hashed.
        """
        new_hash = None
        if change.password is not None:
            self._passwords.check(change.password, change.name or (await self.get(user_id)).name)
            new_hash = await self._passwords.hash(change.password)
        async with self._keeping_an_admin(user_id) as repository:
            user = await repository.user(user_id)
            before = (user.role, user.is_active, user.password_hash, user.granted)
            if change.name is not None:
                user.name, user.name_key = change.name, name_key(change.name)
            user.role = user.role if change.role is None else change.role.value
            user.granted = user.granted if change.granted is None else sorted(scope.value for scope in change.granted)
            user.is_active = user.is_active if change.is_active is None else change.is_active
            if new_hash is not None:
                user.password_hash, user.must_change_password = new_hash, change.must_change_password
            await repository.flush_user(user)
            if before != (user.role, user.is_active, user.password_hash, user.granted):
                await repository.revoke_sessions(user_id, now_utc())
        return user

    async def delete(self, user_id: str) -> None:
        """With sessions, keys and all that is this user's.

        Raises:
            UserNotFoundError: there is no such user.
            LastAdminError: as in `update`.
        """
        # First kept from making anything new; should what follows fail, the user is disabled and can be deleted again.
        await self.update(user_id, UserChange(is_active=False))
        for take_along in self._on_deletion:
            await take_along(user_id)
        async with self._keeping_an_admin(user_id) as repository:
            await repository.delete_user(user_id)

    @asynccontextmanager
    async def _keeping_an_admin(self, user_id: str) -> AsyncGenerator[AccountRepository]:
        """A transaction that is undone where it leaves no active administrator, and waits for others like it."""
        async with self._database.session() as session:
            repository = AccountRepository(session)
            await repository.hold_admins(user_id)
            before = await repository.active_admins()
            yield repository
            if before and not await repository.active_admins():
                raise LastAdminError("This is the last active administrator: make somebody else one first.")
            await session.commit()
