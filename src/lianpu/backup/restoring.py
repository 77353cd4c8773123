"""A backup becomes a home: all of it, or nothing."""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from lianpu.backup.archive import Copied, unpack_backup
from lianpu.backup.snapshot import RESTORING_PREFIX
from lianpu.errors import HomeNotEmptyError, StorageError

# What is there although nobody put it there: the lock of this command, and what a file system keeps for itself.
NOTHING = frozenset({"lianpu.lock", "lost+found"})


def check_empty(home: Path) -> None:
    """
    Raises:
        HomeNotEmptyError: something is in the folder.
    """
    found = sorted(entry.name for entry in os.scandir(home)) if home.is_dir() else []
    left = [name for name in found if name not in NOTHING and not name.startswith(RESTORING_PREFIX)]
    if left:
        raise HomeNotEmptyError(
            f"The home folder {home} is not empty (it holds {left[0]!r}), and nothing is put over what is there. "
            "Move it away, or name another by --home."
        )


def restore(source: BinaryIO, home: Path) -> Copied:
    """Into a home that `check_empty` found empty, and that nothing else works on. Blocks.

    Raises:
        ArchiveDamagedError, ArchiveVersionError, StorageError: nothing was restored.
    """
    for left in home.glob(f"{RESTORING_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    staging = home / f"{RESTORING_PREFIX}{os.getpid()}"
    try:
        staging.mkdir(mode=0o700)
        copied = unpack_backup(source, staging)
        for entry in sorted(staging.iterdir()):
            entry.replace(home / entry.name)
        _keep(home)
    except OSError as error:
        raise StorageError(f"The backup cannot be restored to {home}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return copied


def _keep(folder: Path) -> None:
    """The names too outlive a power cut, where the system can say so."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
