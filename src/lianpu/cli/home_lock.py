"""Who writes a home: one process, or the nodes of an installation; and where the server that does answers."""

import json
import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lianpu.errors import HomeInUseError
from lianpu.nodes.presence import Node, living
from lianpu.settings import Settings

LOCK_FILE = "lianpu.lock"
ADDRESS_FILE = "server.json"
# A command that only asks whether a server runs holds the lock for an instant.
PATIENCE_S = 1


@contextmanager
def locked_home(home: Path, url: str | None) -> Generator[None]:
    """Hold the home folder alone; `url` is left for other commands to find while it is held.

    Raises:
        HomeInUseError: another process holds it.
    """
    with _lock_held(home):
        _refuse_nodes(home)
        address_file = home / ADDRESS_FILE
        try:
            # A server that was killed leaves its address, and something else may answer there by now.
            address_file.unlink(missing_ok=True)
            if url is not None:
                address_file.write_text(json.dumps({"url": url}), encoding="utf-8")
            yield
        finally:
            address_file.unlink(missing_ok=True)


@contextmanager
def shared_home(home: Path, url: str | None) -> Generator[Node]:
    """Hold the home folder as one of several nodes, whose database is a server.

    Raises:
        HomeInUseError: a process holds it alone.
    """
    node = Node(home, url=url)
    with _lock_held(home):
        node.register()
    try:
        yield node
    finally:
        node.leave()


@contextmanager
def held_home(settings: Settings, url: str | None) -> Generator[Node | None]:
    """As a server or a command that writes does: alone (None), or as a node where the database is a server.

    Raises:
        HomeInUseError: another process holds it alone, or it cannot be held alone.
    """
    if settings.database.is_server:
        with shared_home(settings.home, url) as node:
            yield node
    else:
        with locked_home(settings.home, url):
            yield None


def _refuse_nodes(home: Path) -> None:
    nodes = living(home)
    if nodes:
        told = ", ".join(f"{node.url or f'process {node.pid}'} on {node.host}" for node in nodes[:3])
        raise HomeInUseError(f"The home folder {home} is in use by {len(nodes)} nodes ({told}). Stop them first.")


@contextmanager
def _lock_held(home: Path) -> Generator[None]:
    lock = FileLock(home / LOCK_FILE, timeout=PATIENCE_S)
    try:
        lock.acquire(poll_interval=0.02)
    except Timeout as error:
        address = server_address(home)
        holder = f"the server at {address}" if address else "another command"
        raise HomeInUseError(
            f"The home folder {home} is in use by {holder}. Stop it, or use another --home."
        ) from error
    try:
        yield
    finally:
        lock.release()


def server_address(home: Path) -> str | None:
    """Where a server of this machine that holds this home answers; None where none does."""
    for node in living(home):
        if node.url is not None and node.host == socket.gethostname():
            return node.url
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
