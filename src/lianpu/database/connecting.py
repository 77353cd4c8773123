"""Opening a connection, and saying why there is none: drivers raise many things, callers meet three."""

import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from lianpu.database.address import DatabaseAddress, DatabaseKind
from lianpu.errors import DatabaseAddressError, DatabaseLoginError, DatabaseUnreachableError, LianpuError

RETRY_AFTER_S = 5
# PostgreSQL: wrong password, no such login, no such database, no right to connect.
_REFUSED_STATES = frozenset({"28P01", "28000", "3D000", "42501"})
# MariaDB: access denied to the database, to the user; no such database; the server's users cannot log in so.
_REFUSED_NUMBERS = frozenset({1044, 1045, 1049, 1698})

Connect = Callable[..., Awaitable[Any]]


def connector(address: DatabaseAddress) -> Connect | None:
    """What opens a connection of the driver; None: SQLAlchemy's own way, of a file."""
    if address.kind is DatabaseKind.POSTGRESQL:
        import asyncpg  # pyright: ignore[reportMissingTypeStubs]

        return _telling(address, asyncpg.connect)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    if address.kind is DatabaseKind.MARIADB:
        import asyncmy  # pyright: ignore[reportMissingTypeStubs]

        # Its warnings quote what MariaDB warns of, values among it.
        logging.getLogger("asyncmy").setLevel(logging.ERROR)
        return _telling(address, asyncmy.connect)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return None


def _telling(address: DatabaseAddress, connect: Connect) -> Connect:
    async def opened(*args: Any, **options: Any) -> Any:
        try:
            return await connect(*args, **options)
        except Exception as error:
            raise _refusal(address, error) from error

    return opened


def _refusal(address: DatabaseAddress, error: Exception) -> LianpuError:
    server = f"{address.title} at {address.shown}"
    state = getattr(error, "sqlstate", None)
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    if isinstance(error, TypeError):  # of the driver: it takes no such keyword
        return DatabaseAddressError(f"database.url has a parameter that its driver does not know: {error}.")
    if address.wants_tls and _is_of_tls(error):
        return DatabaseLoginError(f"{server} cannot be reached by TLS, which sslmode asks for: {_reason(error)}.")
    if state in _REFUSED_STATES or number in _REFUSED_NUMBERS:
        return DatabaseLoginError(f"{server} refuses the login: {_reason(error)}.")
    return DatabaseUnreachableError(f"{server} does not answer: {_reason(error)}.", retry_after_s=RETRY_AFTER_S)


def _is_of_tls(error: BaseException) -> bool:
    # asyncpg's own words for a server that has none.
    is_refusal = isinstance(error, ssl.SSLError) or "rejected SSL" in str(error)
    return is_refusal or (error.__cause__ is not None and _is_of_tls(error.__cause__))


def _reason(error: Exception) -> str:
    text = str(error.args[1] if len(error.args) > 1 and isinstance(error.args[0], int) else error)
    return text.strip().rstrip(".") or type(error).__name__
