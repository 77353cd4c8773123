"""How many calls one client, or one user, may make in a while."""

import math

from limits import RateLimitItem, parse

from lianpu.errors import RateLimitedError
from lianpu.http.client_address import client_group
from lianpu.http.counters import Counters


class RateLimit:
    """One limit, counted for each key by itself."""

    def __init__(self, counters: Counters, rate: str | None, namespace: str, what: str) -> None:
        """
        Args:
            rate: such as `10/minute`; None: there is no limit.
            what: is counted, in words.
        """
        self._counters = counters
        self._item = _item(rate, namespace)
        self._what = what
        self.name = namespace
        self.refused_total = 0
        """By this process, since it began."""

    async def count(self, key: str) -> None:
        """
        Raises:
            RateLimitedError: too many.
        """
        wait_s = None if self._item is None else await self._counters.hit(self._item, key)
        if wait_s is not None:
            self.refused_total += 1
            seconds = max(1, math.ceil(wait_s))
            raise RateLimitedError(
                f"Too many {self._what}: more than {self._item}. Try again in {seconds} s.", retry_after_s=seconds
            )


class RateLimits:
    """Each limit is written as `300/minute`; None: there is none."""

    def __init__(self, counters: Counters, *, per_client: str | None, per_user: str | None, login: str | None) -> None:
        self._per_client = RateLimit(counters, per_client, "client", "calls without a good credential")
        self._per_user = RateLimit(counters, per_user, "user", "calls")
        self._login = RateLimit(counters, login, "login", "logins and registrations")
        self.all = (self._per_client, self._per_user, self._login)

    async def count_client(self, address: str) -> None:
        """A call without a credential, or with one that is not good.

        Raises:
            RateLimitedError: too many of them came from this address.
        """
        await self._per_client.count(client_group(address))

    async def count_user(self, principal_id: str) -> None:
        """
        Raises:
            RateLimitedError: this user made too many calls.
        """
        await self._per_user.count(principal_id)

    async def count_login(self, address: str) -> None:
        """A login, a registration or a use of the set-up link.

        Raises:
            RateLimitedError: too many of them came from this address.
        """
        await self._login.count(client_group(address))


def _item(rate: str | None, namespace: str) -> RateLimitItem | None:
    if rate is None:
        return None
    item = parse(rate)
    item.namespace = namespace
    return item
