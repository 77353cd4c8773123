"""API keys: made with some of the caller's scopes, shown once, listed and revoked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lianpu.accounts.access import require_scope
from lianpu.accounts.models import ApiKey, User
from lianpu.accounts.principal import Principal, PrincipalKind
from lianpu.accounts.repository import AccountRepository
from lianpu.accounts.roles import Scope
from lianpu.accounts.secret import AccountSecret
from lianpu.accounts.tokens import new_api_key
from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import AccountRequiredError, ApiKeyNotFoundError, FieldError, FieldsInvalidError


@dataclass(frozen=True, slots=True)
class KeyOwner:
    key: ApiKey
    user: User


@dataclass(frozen=True, slots=True)
class KeyDraft:
    """What a new key shall be."""

    name: str
    scopes: frozenset[Scope]
    expires_in_days: int | None
    user_id: str | None = None
    """Whose it shall be; None: the caller's."""


class ApiKeys:
    def __init__(self, database: Database, secret: AccountSecret) -> None:
        self._database = database
        self._secret = secret

    async def list(self, user_id: str | None) -> Sequence[KeyOwner]:
        """Those that are not revoked, newest first; None: everybody's."""
        async with self._database.session() as session:
            return [KeyOwner(key, user) for key, user in await AccountRepository(session).keys(user_id)]

    async def create(self, draft: KeyDraft, by: Principal) -> tuple[KeyOwner, str]:
        """
        Returns:
            The key as it is stored, and its text, which nobody can see again.

        Raises:
            ScopeMissingError: a scope that the caller has not, or another user's key without `users:manage`.
            FieldsInvalidError: a scope that the user has not, or a life longer than that of the key that makes it.
            AccountRequiredError: the caller has no account and names no user.
            UserNotFoundError: there is no such user.
        """
        for scope in sorted(draft.scopes):
            require_scope(by, scope)
        user_id = draft.user_id or (by.id if by.is_user else None)
        if user_id is None:
            raise AccountRequiredError("This credential has no account: name the user whose key it shall be.")
        if user_id != by.id:
            require_scope(by, Scope.USERS_MANAGE)
        now, made = now_utc(), new_api_key()
        async with self._database.session() as session:
            repository = AccountRepository(session)
            user = await repository.user(user_id)
            _check_scopes(draft.scopes, user)
            expires_at = None if draft.expires_in_days is None else now + timedelta(days=draft.expires_in_days)
            if by.kind is PrincipalKind.API_KEY:
                _check_life(expires_at, (await repository.key(by.credential_id)).expires_at)
            key = ApiKey(
                user_id=user.id,
                name=draft.name,
                prefix=made.prefix,
                digest=self._secret.digest(made.key),
                scopes=sorted(scope.value for scope in draft.scopes),
                created_at=now,
                expires_at=expires_at,
            )
            session.add(key)
            await session.commit()
        return KeyOwner(key, user), made.key

    async def revoke(self, key_id: str, by: Principal) -> None:
        """
        Raises:
            ApiKeyNotFoundError: there is no such key, or it is somebody else's and the caller may not manage users.
        """
        async with self._database.session() as session:
            key = await AccountRepository(session).key(key_id)
            if key.revoked_at is not None or (key.user_id != by.id and not by.may(Scope.USERS_MANAGE)):
                raise ApiKeyNotFoundError(f"There is no API key {key_id!r}.")
            key.revoked_at = now_utc()
            await session.commit()


def _check_scopes(scopes: frozenset[Scope], user: User) -> None:
    beyond = sorted(scopes - user.scopes)
    if beyond:
        text = f"{user.name} has not {', '.join(beyond)}"
        raise FieldsInvalidError("The key would reach too far.", errors=[FieldError("scopes", text, "scope_beyond")])


def _check_life(expires_at: datetime | None, longest: datetime | None) -> None:
    """A key that expires must not make itself a successor that does not."""
    if longest is not None and (expires_at is None or expires_at > longest):
        text = f"must end before the key that makes it, which expires at {longest.isoformat(timespec='seconds')}"
        error = FieldError("expires_in_days", text, "beyond_own_life")
        raise FieldsInvalidError("The key would live too long.", errors=[error])
