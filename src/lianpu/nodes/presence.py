"""Which nodes hold a home folder now: each has a lock file that the system gives back when its process ends.

The folder may be a mount that several machines share, if it passes locks on (NFS 4 and CephFS do).
"""

import json
import os
import socket
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

NODES_FOLDER = "nodes"
_BEAT = ".beat"


@dataclass(frozen=True, slots=True)
class NodeRecord:
    id: str
    host: str
    pid: int
    url: str | None
    """Where it answers on its own machine; None: it answers nobody."""


class Node:
    """This process as one of those that hold the home."""

    def __init__(self, home: Path, *, url: str | None = None) -> None:
        self.id = uuid.uuid4().hex
        self._folder = home / NODES_FOLDER
        self._url = url
        self._lock: FileLock | None = None

    @property
    def is_registered(self) -> bool:
        return self._lock is not None

    def register(self) -> None:
        """
        Raises:
            OSError: the home cannot be written.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        lock = _lock(self._folder, self.id)
        lock.acquire(timeout=0)
        self._lock = lock
        # After the lock: who has a record and no lock has ended.
        record = NodeRecord(self.id, socket.gethostname(), os.getpid(), self._url)
        (self._folder / f"{self.id}.json").write_text(json.dumps(asdict(record)), encoding="utf-8")
        self._forget_ended()

    def leave(self) -> None:
        if self._lock is not None:
            _remove(self._folder, self.id)
            self._lock.release()
            self._lock = None

    def beat(self) -> None:
        """It works: `beating` sees it."""
        (self._folder / f"{self.id}{_BEAT}").touch()

    def _forget_ended(self) -> None:
        """Nodes that were killed."""
        for record in records(self._folder.parent):
            if not _is_held(self._folder, record.id):
                _remove(self._folder, record.id)


def records(home: Path) -> list[NodeRecord]:
    """Of nodes that hold the home, and of those that ended without leaving it."""
    found: list[NodeRecord] = []
    try:
        files = sorted((home / NODES_FOLDER).glob("*.json"))
    except OSError:  # a home that cannot be looked at has none
        return found
    for file in files:
        try:
            found.append(NodeRecord(**json.loads(file.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):  # it leaves, or is being written, or is of another version
            continue
    return found


def living(home: Path) -> list[NodeRecord]:
    folder = home / NODES_FOLDER
    return [record for record in records(home) if _is_held(folder, record.id)]


def beating(home: Path, *, within_s: float, now: float) -> list[NodeRecord]:
    """Living nodes of this machine that said within so long that they work; `now`: as files have it, in seconds."""
    folder, found = home / NODES_FOLDER, list[NodeRecord]()
    for record in living(home):
        try:
            beaten = (folder / f"{record.id}{_BEAT}").stat().st_mtime
        except OSError:  # it never did
            continue
        if record.host == socket.gethostname() and now - beaten <= within_s:
            found.append(record)
    return found


def _lock(folder: Path, node_id: str) -> FileLock:
    # Asked for in one thread, and given back in another.
    return FileLock(folder / f"{node_id}.lock", thread_local=False)


def _is_held(folder: Path, node_id: str) -> bool:
    if not (folder / f"{node_id}.lock").is_file():  # asking would make it
        return False
    lock = _lock(folder, node_id)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _remove(folder: Path, node_id: str) -> None:
    for suffix in (".json", _BEAT, ".lock"):
        (folder / f"{node_id}{suffix}").unlink(missing_ok=True)
