"""How many calls one client, or one user, may make in a while."""

import math

from limits import RateLimitItem, parse

from lianpu.errors import RateLimitedError
from lianpu.http.client_address import client_group
from lianpu.http.counters import Counters


class RateLimits:
    """Each limit is written as `300/minute`; None: there is none."""

    def __init__(self, counters: Counters, *, per_client: str | None, per_user: str | None, login: str | None) -> None:
        self._counters = counters
        self._per_client = _item(per_client, "client")
        self._per_user = _item(per_user, "user")
        self._login = _item(login, "login")

    async def count_client(self, address: str) -> None:
        """A call without a credential, or with one that is not good.

        Raises:
            RateLimitedError: too many of them came from this address.
        """
        await self._count(self._per_client, client_group(address), "calls without a good credential")

    async def count_user(self, principal_id: str) -> None:
        """
        Raises:
            RateLimitedError: this user made too many calls.
        """
        await self._count(self._per_user, principal_id, "calls")

    async def count_login(self, address: str) -> None:
        """A login, a registration or a use of the set-up link.

        Raises:
            RateLimitedError: too many of them came from this address.
        """
        await self._count(self._login, client_group(address), "logins and registrations")

    async def _count(self, item: RateLimitItem | None, key: str, what: str) -> None:
        wait_s = None if item is None else await self._counters.hit(item, key)
        if wait_s is not None:
            seconds = max(1, math.ceil(wait_s))
            raise RateLimitedError(
                f"Too many {what}: more than {item}. Try again in {seconds} s.", retry_after_s=seconds
            )


def _item(rate: str | None, namespace: str) -> RateLimitItem | None:
    if rate is None:
        return None
    item = parse(rate)
    item.namespace = namespace
    return item
