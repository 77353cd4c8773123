"""One writer a home: the lock file, and where the server that holds it answers."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lianpu.errors import HomeInUseError

LOCK_FILE = "lianpu.lock"
ADDRESS_FILE = "server.json"
# A command that only asks whether a server runs holds the lock for an instant.
PATIENCE_S = 1


@contextmanager
def locked_home(home: Path, url: str | None) -> Generator[None]:
    """Hold the home folder; `url` is left for other commands to find while it is held.

    Raises:
        HomeInUseError: another process holds it.
    """
    lock = FileLock(home / LOCK_FILE, timeout=PATIENCE_S)
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout as error:
        address = server_address(home)
        holder = f"the server at {address}" if address else "another command"
        raise HomeInUseError(
            f"The home folder {home} is in use by {holder}. Stop it, or use another --home."
        ) from error
    address_file = home / ADDRESS_FILE
    try:
        # A server that was killed leaves its address, and something else may answer there by now.
        address_file.unlink(missing_ok=True)
        if url is not None:
            address_file.write_text(json.dumps({"url": url}), encoding="utf-8")
        yield
    finally:
        address_file.unlink(missing_ok=True)
        lock.release()


def server_address(home: Path) -> str | None:
    """Where the server that holds this home answers; None where none does."""
    lock_file = home / LOCK_FILE
    try:
        if not lock_file.is_file():  # taking the lock would make it, and the home with it
            return None
        with FileLock(lock_file, timeout=0):
            return None
    except Timeout:
        pass
    except OSError:
        return None
    try:
        return str(json.loads((home / ADDRESS_FILE).read_text(encoding="utf-8"))["url"])
    except (OSError, ValueError, KeyError):
        return None
