"""One writer a home: the lock file, and where the server that holds it answers."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lianpu.errors import HomeInUseError

LOCK_FILE = "lianpu.lock"
ADDRESS_FILE = "server.json"


@contextmanager
def locked_home(home: Path, url: str | None) -> Generator[None]:
    """Hold the home folder; `url` is left for other commands to find while it is held.

    Raises:
        HomeInUseError: another process holds it.
    """
    lock = FileLock(home / LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        address = server_address(home)
        holder = f"the server at {address}" if address else "another command"
        raise HomeInUseError(
            f"The home folder {home} is in use by {holder}. Stop it, or use another --home."
        ) from error
    address_file = home / ADDRESS_FILE
    try:
        if url is not None:
            address_file.write_text(json.dumps({"url": url}), encoding="utf-8")
        yield
    finally:
        if url is not None:
            address_file.unlink(missing_ok=True)
        lock.release()


def server_address(home: Path) -> str | None:
    """Where the server that holds this home answers; None where none does."""
    try:
        with FileLock(home / LOCK_FILE, timeout=0):
            return None
    except Timeout:
        pass
    except OSError:
        return None
    try:
        return str(json.loads((home / ADDRESS_FILE).read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError):
        return None
