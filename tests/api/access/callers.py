"""Every kind of caller, made by the tables and tokens themselves: no password is hashed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt

from lianpu.accounts.accounts import Accounts
from lianpu.accounts.models import ApiKey, LoginSession, User
from lianpu.accounts.names import name_key
from lianpu.accounts.roles import GRANTED, SCOPES_OF, Role, Scope
from lianpu.accounts.tokens import AccessTokens, RefreshToken, RefreshTokens, TokenKind, new_api_key
from lianpu.bootstrap import Platform
from lianpu.database.base import new_id, now_utc
from tests.api.access.table import Row

HOUR = timedelta(hours=1)
NO_HASH = "$argon2id$v=19$m=65536,t=3,p=4$bm9ib2R5$bm9ib2R5"
Expectation = Callable[[Row], int]
"""0: let through; else the status of the refusal."""


@dataclass(frozen=True, slots=True)
class Caller:
    credential: str | None
    expected: Expectation
    by_api_key: bool = False

    @property
    def headers(self) -> dict[str, str]:
        if self.credential is None:
            return {}
        return {"X-API-Key": self.credential} if self.by_api_key else {"Authorization": f"Bearer {self.credential}"}


@dataclass(frozen=True, slots=True)
class Login:
    user_id: str
    session_id: str
    token: str


class Credentials:
    def __init__(self, platform: Platform) -> None:
        self._database = platform.database
        self._accounts: Accounts = platform.accounts

    async def user(self, name: str, role: Role, **state: Any) -> str:
        user = User(id=new_id(), name=name, name_key=name_key(name), password_hash=NO_HASH, role=role, **state)
        async with self._database.session() as session:
            session.add(user)
            await session.commit()
        return user.id

    async def login(self, user_id: str, *, is_revoked: bool = False) -> Login:
        now = now_utc()
        login = LoginSession(id=new_id(), user_id=user_id, client="a test", expires_at=now + HOUR)
        login.revoked_at = now if is_revoked else None
        async with self._database.session() as session:
            session.add(login)
            await session.commit()
        return Login(user_id, login.id, self._accounts.tokens.issue(user_id, login.id))

    async def token(self, name: str, role: Role, *, is_revoked: bool = False, **state: bool) -> str:
        return (await self.login(await self.user(name, role, **state), is_revoked=is_revoked)).token

    async def key(
        self, user_id: str, scopes: frozenset[Scope], *, is_expired: bool = False, is_revoked: bool = False
    ) -> tuple[str, str]:
        """Its id and its text."""
        made, now = new_api_key(), now_utc()
        key = ApiKey(
            id=new_id(),
            user_id=user_id,
            name="a test's",
            prefix=made.prefix,
            digest=self._accounts.secret.digest(made.key),
            scopes=sorted(scope.value for scope in scopes),
            expires_at=now - HOUR if is_expired else None,
            revoked_at=now if is_revoked else None,
        )
        async with self._database.session() as session:
            session.add(key)
            await session.commit()
        return key.id, made.key

    def expired(self, login: Login) -> str:
        return AccessTokens(self._accounts.secret, lifetime=-HOUR).issue(login.user_id, login.session_id)

    def unsigned(self, login: Login) -> str:
        """What the server issued, but by the algorithm `none`."""
        claims = jwt.decode(login.token, options={"verify_signature": False})
        return jwt.encode(claims, "", "none")

    def refresh(self, login: Login) -> str:
        return RefreshTokens(self._accounts.secret).issue(RefreshToken(login.session_id, 1))

    def local(self) -> str:
        """As the server issues it, but good for longer than the minute that all calls together may take."""
        return self._accounts.tokens._signed(TokenKind.LOCAL, "somebody", "", HOUR)


async def make_callers(credentials: Credentials) -> dict[str, Caller]:
    """By name; keys with and without one scope are made by `make_keys`.

    Nobody has both a login and a key: a key may end its user's logins, and does.
    """
    login = await credentials.login(await credentials.user("the-admin", Role.ADMIN))
    owner = await credentials.user("owner-of-keys", Role.ADMIN)
    everything = frozenset(Scope)
    changing = await credentials.user("changing", Role.ADMIN, must_change_password=True)
    disabled = await credentials.user("disabled", Role.ADMIN, is_active=False)
    demoted = await credentials.user("demoted", Role.VIEWER)
    callers = {
        "anonymous": Caller(None, lambda row: 0 if row.is_open else 401),
        "viewer": Caller(await credentials.token("viewer", Role.VIEWER), _by_role(Role.VIEWER)),
        "operator": Caller(await credentials.token("operator", Role.OPERATOR), _by_role(Role.OPERATOR)),
        "admin": Caller(login.token, _by_role(Role.ADMIN)),
        "local command": Caller(credentials.local(), _by_role(Role.ADMIN)),
        "must change password": Caller(
            await credentials.token("changing-too", Role.ADMIN, must_change_password=True), _by_account
        ),
    }
    bad = {
        "token expired": credentials.expired(login),
        "token of an ended login": await credentials.token("ended", Role.ADMIN, is_revoked=True),
        "token of a disabled user": (await credentials.login(disabled)).token,
        "token without signature": credentials.unsigned(login),
        "token changed": _changed(login.token),
        "refresh token": credentials.refresh(login),
        "nonsense": "nonsense",
        "empty": "",
    }
    callers |= {name: Caller(credential, _never) for name, credential in bad.items()}
    keys = {
        "key of every scope": (await credentials.key(owner, everything), _by_role(Role.ADMIN)),
        "key of a demoted user": (await credentials.key(demoted, everything), _by_role(Role.VIEWER)),
        "key, must change password": (await credentials.key(changing, everything), _by_account),
        "key without scopes": (await credentials.key(owner, frozenset()), lambda row: 0 if row.is_open else 403),
        "key expired": (await credentials.key(owner, everything, is_expired=True), _never),
        "key revoked": (await credentials.key(owner, everything, is_revoked=True), _never),
        "key of a disabled user": (await credentials.key(disabled, everything), _never),
    }
    callers |= {name: Caller(key[1], expected, by_api_key=True) for name, (key, expected) in keys.items()}
    callers["key changed"] = Caller(_changed(keys["key of every scope"][0][1]), _never, by_api_key=True)
    return callers


async def make_keys(credentials: Credentials) -> dict[tuple[Scope, bool], Caller]:
    """For each scope a key that has it alone, and one that has all the others; both an administrator's."""
    owner = await credentials.user("owner-of-more-keys", Role.ADMIN, granted=sorted(GRANTED))
    made: dict[tuple[Scope, bool], Caller] = {}
    for scope in Scope:
        for with_it, scopes in ((True, frozenset({scope})), (False, frozenset(Scope) - {scope})):
            _, key = await credentials.key(owner, scopes)
            made[scope, with_it] = Caller(key, _by_scopes(scopes), by_api_key=with_it)
    return made


def _by_role(role: Role) -> Expectation:
    return lambda row: 0 if role in row.roles else 403


def _by_scopes(scopes: frozenset[Scope]) -> Expectation:
    return lambda row: 0 if row.scope is None or row.scope in scopes else 403


def _by_account(row: Row) -> int:
    return 0 if row.scope in {None, Scope.ACCOUNT} else 403


def _never(row: Row) -> int:
    """Of what is open outside of the API nothing is to be refused: the credential is not looked at."""
    return 401 if row.path.startswith("/api/") or not row.is_open else 0


def _changed(credential: str) -> str:
    last = credential[-2]
    return credential[:-2] + ("A" if last != "A" else "B") + credential[-1]


assert SCOPES_OF[Role.ADMIN] | frozenset(GRANTED) == frozenset(Scope)
