"""From a credential to the principal it stands for, asked anew at every request: revoking works at once."""

import hashlib
import hmac
from datetime import datetime, timedelta

from lianpu.accounts.models import ApiKey, User
from lianpu.accounts.principal import Principal, PrincipalKind
from lianpu.accounts.repository import AccountRepository
from lianpu.accounts.roles import SCOPES_OF, Role
from lianpu.accounts.secret import AccountSecret
from lianpu.accounts.tokens import AccessTokens, TokenKind, prefix_of
from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.errors import ApiKeyError, TokenError, TokenExpiredError, TokenRevokedError

USE_NOTED_EVERY = timedelta(minutes=1)
_UNKNOWN_KEY = "The API key is not known, has expired or was revoked."
_CONFIGURED = Principal(
    PrincipalKind.CONFIGURED_KEY, "configured", "server.api_key", Role.ADMIN, SCOPES_OF[Role.ADMIN], "configured"
)


class Authentication:
    def __init__(
        self, database: Database, secret: AccountSecret, tokens: AccessTokens, *, configured_key: str | None
    ) -> None:
        self._database = database
        self._secret = secret
        self._tokens = tokens
        self._configured_key = None if configured_key is None else _sha256(configured_key)

    async def principal_of(self, credential: str) -> Principal:
        """
        Args:
            credential: an access token or an API key.

        Raises:
            TokenError, TokenExpiredError, TokenRevokedError: it is an access token that is not good.
            ApiKeyError: it is an API key that is not good.
        """
        if self._configured_key is not None and hmac.compare_digest(_sha256(credential), self._configured_key):
            return _CONFIGURED
        if credential.count(".") == 2:
            return await self._by_token(credential)
        return await self._by_key(credential)

    async def principal_by_id(self, kind: PrincipalKind, credential_id: str) -> Principal:
        """The same once more, as it is now: of a credential that was good.

        Raises:
            TokenError, TokenRevokedError, TokenExpiredError: the login has ended.
            ApiKeyError: the key has.
        """
        if kind is PrincipalKind.USER:
            return await self._of_login(credential_id)
        if kind is PrincipalKind.API_KEY:
            async with self._database.session() as session:
                found = await AccountRepository(session).key_with_user_by_id(credential_id)
            if found is None:
                raise ApiKeyError(_UNKNOWN_KEY)
            return _of_key(*found, now_utc())
        if kind is PrincipalKind.CONFIGURED_KEY:
            if self._configured_key is None:
                raise ApiKeyError(_UNKNOWN_KEY)
            return _CONFIGURED
        return _local(credential_id)

    async def _by_token(self, text: str) -> Principal:
        token = self._tokens.read(text)
        if token.kind is TokenKind.LOCAL:
            return _local(f"local:{token.subject}")
        principal = await self._of_login(token.session_id)
        if principal.id != token.subject:
            raise TokenError("The access token is not one of this server.")
        return principal

    async def _of_login(self, session_id: str) -> Principal:
        async with self._database.session() as session:
            found = await AccountRepository(session).session_with_user(session_id)
        if found is None:
            raise TokenError("The access token is not one of this server.")
        login, user = found
        if login.revoked_at is not None or not user.is_active:
            raise TokenRevokedError("This login was ended: log in again.")
        if login.expires_at <= now_utc():
            raise TokenExpiredError("This login was not used for too long: log in again.")
        return Principal(PrincipalKind.USER, user.id, user.name, Role(user.role), user.scopes, login.id)

    async def _by_key(self, text: str) -> Principal:
        prefix = prefix_of(text)
        if prefix is None:
            raise ApiKeyError(_UNKNOWN_KEY)
        now = now_utc()
        async with self._database.session() as session:
            found = await AccountRepository(session).key_with_user(prefix)
            # Hashed in any case: how long the answer takes does not tell which prefixes there are.
            digest = self._secret.digest(text)
            if found is None or not hmac.compare_digest(found[0].digest, digest):
                raise ApiKeyError(_UNKNOWN_KEY)
            principal = _of_key(*found, now)
            key = found[0]
            if key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY:
                await AccountRepository(session).note_key_use(key.id, now)
                await session.commit()
        return principal


def _of_key(key: ApiKey, user: User, now: datetime) -> Principal:
    expired = key.expires_at is not None and key.expires_at <= now
    if expired or key.revoked_at is not None or not user.is_active:
        raise ApiKeyError(_UNKNOWN_KEY)
    scopes = frozenset(scope for scope in user.scopes if scope.value in key.scopes)
    return Principal(PrincipalKind.API_KEY, user.id, user.name, Role(user.role), scopes, key.id)


def _local(name: str) -> Principal:
    return Principal(PrincipalKind.LOCAL, name, name, Role.ADMIN, SCOPES_OF[Role.ADMIN], name)


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
