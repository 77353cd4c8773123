"""Transactions that got in each other's way: which errors say so, and doing a whole one again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from lianpu.errors import DatabaseUnreachableError

CONFLICTS = frozenset({1020, 1205, 1213, "40001", "40P01", "55P03"})
"""MariaDB: changed since read, lock wait, deadlock; PostgreSQL: serialisation failure, deadlock, lock wait."""
ATTEMPTS = 6
PAUSE_S = 0.02
"""Before the first repetition, at most; doubled each time."""

T = TypeVar("T")


def is_conflict(error: DBAPIError) -> bool:
    """Another transaction came between, and this one was rolled back: the same may succeed when it is done again."""
    original = error.orig
    codes = {getattr(original, "sqlstate", None), *getattr(original, "args", ())[:1]}
    # Some drivers' errors carry the driver's own error as their only argument.
    codes |= {code for one in list(codes) for code in getattr(one, "args", ())[:1]}
    return bool(CONFLICTS & codes)


def is_passing(error: BaseException) -> bool:
    """The same may succeed a moment later: a conflict, a lost connection, a server that is away."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or is_conflict(error)
    return isinstance(error, DatabaseUnreachableError)


async def repeated(transaction: Callable[[], Awaitable[T]]) -> T:
    """Do a whole transaction, again when others came between; it must change nothing outside of the database.

    Raises:
        DBAPIError: of the last attempt, or one that is no conflict.
    """
    for attempt in range(ATTEMPTS - 1):
        try:
            return await transaction()
        except DBAPIError as error:
            if not is_conflict(error):
                raise
        await asyncio.sleep(random.uniform(0, PAUSE_S * 2**attempt))  # noqa: S311 (no secret)
    return await transaction()
