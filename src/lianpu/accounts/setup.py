"""The first administrator: made by a link that is good once, and only while there is none."""

import hmac

from lianpu.accounts.models import User
from lianpu.accounts.repository import AccountRepository
from lianpu.accounts.roles import Role
from lianpu.accounts.secret import AccountSecret
from lianpu.accounts.tokens import new_setup_token
from lianpu.accounts.users import Users
from lianpu.database.session import Database
from lianpu.errors import SetupTokenError


class Setup:
    def __init__(self, database: Database, secret: AccountSecret, users: Users) -> None:
        self._database = database
        self._secret = secret
        self._users = users

    async def is_needed(self) -> bool:
        async with self._database.session() as session:
            return not await AccountRepository(session).active_admins()

    async def new_token(self) -> str | None:
        """For the link; voids the one before. None: there is an administrator."""
        token = new_setup_token()
        async with self._database.session() as session:
            repository = AccountRepository(session)
            is_needed = not await repository.active_admins()
            await repository.replace_setup_token(self._secret.digest(token) if is_needed else None)
            await session.commit()
        return token if is_needed else None

    async def make_administrator(self, token: str, name: str, password: str) -> User:
        """Of several that use the link at once one succeeds; where nobody does, the link stays good.

        Raises:
            SetupTokenError: the token is not the newest, was used, or there is an administrator.
            FieldsInvalidError: the password is not good enough.
            UserExistsError: somebody has that name.
            BusyError: too many passwords wait to be hashed.
        """
        digest = self._secret.digest(token)
        async with self._database.session() as session:
            kept = await AccountRepository(session).setup_digest()
        if not hmac.compare_digest(digest, kept or ""):
            raise SetupTokenError(_VOID)
        user = await self._users.new(name, password, Role.ADMIN, must_change_password=False)
        async with self._database.session() as session:
            repository = AccountRepository(session)
            if not await repository.take_setup_token(digest) or await repository.active_admins():
                raise SetupTokenError(_VOID)
            await repository.add_user(user)
            await session.commit()
        return user


_VOID = "This set-up link is void: it was used, a later start made a new one, or there is an administrator already."
