"""When a call is sent again, and after how long."""

import random
from dataclasses import dataclass
from typing import Any

import httpx2

from lianpu.client.errors import retry_after_s
from lianpu.client.request import Request

REFUSED_FOR_NOW = frozenset({429, 503})
LOST = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.RemoteProtocolError, httpx2.ReadError)


@dataclass(frozen=True, slots=True)
class Retrying:
    """Calls that may be repeated are, after 429, after 503 and when the connection is lost; all others never."""

    attempts: int = 4
    """At most so many, the first included; 1: never again."""
    first_wait_s: float = 0.5
    """Doubled each time; what the server asks for by `Retry-After` goes before."""
    longest_wait_s: float = 30.0
    """A server that asks for more is not asked again."""

    def wait_s(self, request: Request[Any], attempt: int, outcome: httpx2.Response | Exception) -> float | None:
        """Seconds until the next attempt; None: there is none.

        Args:
            attempt: how many there were, from 1.
        """
        if attempt >= self.attempts or not request.is_repeatable:
            return None
        wanted: float | None = None
        if isinstance(outcome, httpx2.Response):
            if outcome.status_code not in REFUSED_FOR_NOW or outcome.status_code in request.also_answers:
                return None
            wanted = retry_after_s(outcome)
        elif not isinstance(outcome, LOST):
            return None
        if wanted is not None:
            return wanted if wanted <= self.longest_wait_s else None
        longest = min(self.longest_wait_s, self.first_wait_s * 2 ** (attempt - 1))
        # Clients that were refused together must not come back together.
        return longest * random.uniform(0.5, 1.0)  # noqa: S311
