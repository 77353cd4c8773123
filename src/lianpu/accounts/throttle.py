"""Password guessing made slow: attempts are counted by name and address, and each further failure locks out longer."""

import logging
import math
from dataclasses import dataclass

from lianpu.accounts.names import name_key
from lianpu.accounts.secret import AccountSecret
from lianpu.errors import LockedOutError
from lianpu.http.client_address import client_group
from lianpu.http.counters import Counters
from lianpu.http.rate_limit import RateLimits

WINDOW_S = 3600
"""Failures are forgotten so long after the first of them."""
FIRST_LOCK_S = 30
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Track:
    """One thing that failures are counted by."""

    name: str
    free: int
    """The failure of this number locks out for 30 s, the next one twice as long, and so on."""
    longest_lock_s: int

    def lock_s(self, failures: int) -> int:
        return min(self.longest_lock_s, FIRST_LOCK_S << min(failures - self.free, 10))


BY_NAME_AND_ADDRESS = Track("login", free=5, longest_lock_s=900)
BY_ADDRESS = Track("login-address", free=30, longest_lock_s=900)
# Who guesses from many addresses locks the name's owner out too: late, and not for long.
BY_NAME = Track("login-name", free=100, longest_lock_s=300)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login under way, counted as failed until it succeeds."""

    keys: tuple[tuple[Track, str], ...]


class LoginThrottle:
    """Names that no user has are counted in the same way."""

    def __init__(self, counters: Counters, limits: RateLimits, secret: AccountSecret) -> None:
        self._counters = counters
        self._limits = limits
        self._secret = secret
        self.locked_out_total = 0
        """Logins that were refused by this process, since it began."""

    async def begin(self, name: str, address: str) -> Attempt:
        """Count first, check the password then: of many attempts at once no more are let through than one by one.

        Raises:
            RateLimitedError: too many logins of this address, right or wrong.
            LockedOutError: too many failures; says when to try again.
        """
        await self._limits.count_login(address)
        client = client_group(address)
        # People type passwords into the field of the name: what is stored does not show them.
        user = self._secret.digest(f"login name {name_key(name)}")[:32]
        keys = ((BY_NAME_AND_ADDRESS, f"{user}/{client}"), (BY_ADDRESS, client), (BY_NAME, user))
        for track, key in keys:
            if await self._counters.value(_lock(track, key)):
                raise await self._locked_out(track, key)
        for track, key in keys:
            failures = await self._counters.add(_failures(track, key), WINDOW_S)
            if failures >= track.free and await self._counters.add(_lock(track, key), track.lock_s(failures)) > 1:
                raise await self._locked_out(track, key)
        return Attempt(keys)

    async def succeeded(self, attempt: Attempt) -> None:
        """The name's failures are forgotten; the address keeps its others: a guesser may have an account of his own."""
        for track, key in attempt.keys:
            await self._counters.clear(_lock(track, key))
            if track is BY_ADDRESS:
                await self._counters.add(_failures(track, key), WINDOW_S, -1)
            else:
                await self._counters.clear(_failures(track, key))

    async def _locked_out(self, track: Track, key: str) -> LockedOutError:
        self.locked_out_total += 1
        wait_s = max(1, math.ceil(await self._counters.expires_in_s(_lock(track, key))))
        _log.warning("logins are locked out", extra={"counted_by": track.name, "wait_s": wait_s})
        return LockedOutError(f"Too many failed logins: try again in {wait_s} s.", retry_after_s=wait_s)


def _failures(track: Track, key: str) -> str:
    return f"{track.name}/failures/{key}"


def _lock(track: Track, key: str) -> str:
    return f"{track.name}/lock/{key}"
