"""Connections to SQLite, each of which has a thread of its own: who closes a database waits for all of them."""

import asyncio
import logging
import time
from threading import Thread
from typing import Any, cast

import aiosqlite

LONGEST_S = 10.0
_log = logging.getLogger(__name__)


class SqliteFiles:
    def __init__(self) -> None:
        self._threads: list[Thread] = []

    def options(self, patience_s: float) -> dict[str, Any]:
        """Of the engine."""
        return {"connect_args": {"timeout": patience_s, "async_creator_fn": self._connect}}

    async def closed(self) -> None:
        """A statement whose caller was cancelled goes on in its thread, and until it has ended no file is closed."""
        await asyncio.to_thread(self._join)

    def _connect(self, *arguments: Any, **options: Any) -> aiosqlite.Connection:
        connection = aiosqlite.connect(*arguments, **options)
        thread = cast(Thread, cast(Any, connection)._thread)  # noqa: SLF001 (there is no other way to it)
        # A process that ends at once waits for nobody.
        thread.daemon = True
        self._threads = [one for one in self._threads if one.is_alive()]
        self._threads.append(thread)
        return connection

    def _join(self) -> None:
        deadline = time.monotonic() + LONGEST_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            _log.warning("a connection to SQLite was not closed in time")
