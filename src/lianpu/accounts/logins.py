"""Logging in by password, and changing one's own: slowed down for guessers, alike for names that nobody has."""

from lianpu.accounts.models import User
from lianpu.accounts.names import name_key
from lianpu.accounts.passwords import Passwords
from lianpu.accounts.principal import PrincipalKind
from lianpu.accounts.repository import AccountRepository
from lianpu.accounts.sessions import Caller, LoginSessions, Tokens
from lianpu.accounts.throttle import LoginThrottle
from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import FieldError, FieldsInvalidError, LoginFailedError
from lianpu.http.audited import AuditNote


class Logins:
    def __init__(
        self, database: Database, passwords: Passwords, sessions: LoginSessions, throttle: LoginThrottle
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._sessions = sessions
        self._throttle = throttle
        self.failed_total = 0
        """Wrong names and passwords that came to this process, since it began."""

    @property
    def locked_out_total(self) -> int:
        return self._throttle.locked_out_total

    async def log_in(self, name: str, password: str, caller: Caller, note: AuditNote) -> Tokens:
        """
        Args:
            note: is told who tries, where there is such a user; what was typed may be a password.

        Raises:
            LoginFailedError: there is no such user, the password is wrong, or the user is disabled; which of them is
                not said.
            RateLimitedError, LockedOutError: too many logins, or too many that failed.
            BusyError: too many passwords wait to be checked.
        """
        attempt = await self._throttle.begin(name, caller.address)
        async with self._database.session() as session:
            user = await AccountRepository(session).user_by_name_key(name_key(name))
        if user is not None:
            note.about(user.id)
        verified = await self._passwords.verify(password, None if user is None else user.password_hash)
        if user is None or not verified.is_right:
            self.failed_total += 1
            raise LoginFailedError(_FAILED)
        async with self._database.session() as session:
            repository = AccountRepository(session)
            # In the transaction of the new session: a user disabled meanwhile, or a password changed, ends it too.
            if not await repository.note_login(user.id, user.password_hash, now_utc(), verified.new_hash):
                raise LoginFailedError(_FAILED)
            tokens = await self._sessions.open(session, user, caller)
            await session.commit()
        await self._throttle.succeeded(attempt)
        note.acts_as(PrincipalKind.USER, user.id, user.name)
        return tokens

    async def change_password(self, user: User, current: str, new: str, caller: Caller, *, keep: str | None) -> None:
        """Ends the user's sessions, all but `keep`.

        Raises:
            FieldsInvalidError: the current password is wrong, or the new one is it, or not good enough.
            RateLimitedError, LockedOutError, BusyError: as in `log_in`.
        """
        self._passwords.check(new, user.name, field="new_password")
        attempt = await self._throttle.begin(user.name, caller.address)
        if not (await self._passwords.verify(current, user.password_hash)).is_right:
            raise _wrong("current_password", "is not the password of this user", "password_wrong")
        await self._throttle.succeeded(attempt)
        if new == current:
            raise _wrong("new_password", "is the current password", "password_unchanged")
        new_hash = await self._passwords.hash(new)
        async with self._database.session() as session:
            repository = AccountRepository(session)
            if not await repository.replace_password(user.id, user.password_hash, new_hash):
                raise _wrong("current_password", "was changed in this moment", "password_wrong")
            await repository.revoke_sessions(user.id, now_utc(), except_id=keep)
            await session.commit()


_FAILED = "The user name or the password is wrong, or the user is disabled."


def _wrong(field: str, message: str, code: str) -> FieldsInvalidError:
    return FieldsInvalidError("The password is not changed.", errors=[FieldError(field, message, code)])
