"""Whether what was sent has left this process: an ASGI extension of this server, since ASGI itself does not tell."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Scope

FLUSHED = "lianpu.flushed"
Wait = Callable[[], Awaitable[bool]]
"""Returns once all that was sent is with the operating system; False: the client has gone before."""


def flushed(scope: Scope) -> Wait | None:
    """None: this server, or transport, does not tell."""
    extensions: dict[str, Any] = scope.get("extensions") or {}
    found = extensions.get(FLUSHED)
    return None if found is None else found["wait"]
