"""Accounts as routes and commands see them, put together from the settings."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from pydantic import SecretStr

from lianpu.accounts.addresses import SignedAddresses
from lianpu.accounts.authentication import Authentication
from lianpu.accounts.keys import ApiKeys
from lianpu.accounts.logins import Logins
from lianpu.accounts.passwords import HashCost, Passwords
from lianpu.accounts.registration import Registration
from lianpu.accounts.secret import AccountSecret
from lianpu.accounts.sessions import LoginSessions
from lianpu.accounts.setup import Setup
from lianpu.accounts.throttle import LoginThrottle
from lianpu.accounts.tokens import AccessTokens, RefreshTokens
from lianpu.accounts.users import Users
from lianpu.database.session import Database
from lianpu.http.counters import Counters
from lianpu.http.rate_limit import RateLimits
from lianpu.settings import LimitSettings, Settings


@dataclass(frozen=True, slots=True)
class Accounts:
    secret: AccountSecret
    authentication: Authentication
    tokens: AccessTokens
    passwords: Passwords
    users: Users
    logins: Logins
    sessions: LoginSessions
    keys: ApiKeys
    setup: Setup
    registration: Registration
    addresses: SignedAddresses
    rate_limits: RateLimits
    counters: Counters

    async def close(self) -> None:
        await self.counters.close()


def accounts_of(settings: Settings, database: Database, *, hash_cost: HashCost | None = None) -> Accounts:
    """Nothing is read or made yet.

    Args:
        hash_cost: of new passwords; None: what is recommended.

    Raises:
        SettingsError: `limits.storage` names a Redis, and the package for it is not installed.
    """
    rules = settings.accounts
    secret = AccountSecret(settings.home / "keys" / "accounts.secret", _plain(rules.secret))
    tokens = AccessTokens(secret, lifetime=timedelta(minutes=rules.access_token_minutes))
    lifetime = timedelta(days=rules.refresh_token_days)
    sessions = LoginSessions(database, tokens, RefreshTokens(secret), lifetime=lifetime)
    passwords = Passwords(min_chars=rules.password_min_chars, cost=hash_cost)
    users = Users(database, passwords)
    counters = _counters(settings.limits)
    rate_limits = RateLimits(counters, **settings.limits.model_dump(exclude={"storage"}))
    authentication = Authentication(database, secret, tokens, configured_key=_plain(settings.server.api_key))
    return Accounts(
        secret=secret,
        authentication=authentication,
        tokens=tokens,
        passwords=passwords,
        users=users,
        logins=Logins(database, passwords, sessions, LoginThrottle(counters, rate_limits, secret)),
        sessions=sessions,
        keys=ApiKeys(database, secret),
        setup=Setup(database, secret, users),
        registration=Registration(users, rate_limits, is_open=rules.registration == "open"),
        addresses=SignedAddresses(authentication, secret),
        rate_limits=rate_limits,
        counters=counters,
    )


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _counters(limits: LimitSettings) -> Counters:
    return Counters(limits.storage.get_secret_value() if isinstance(limits.storage, SecretStr) else None)


async def _accounts(request: Request) -> Accounts:
    # Not `def`: FastAPI would send it through a thread.
    accounts: Accounts = request.app.state.accounts
    return accounts


AccountsDep = Annotated[Accounts, Depends(_accounts)]
