"""File storage in a folder of the local disk."""

import glob
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from lianpu.errors import StorageError
from lianpu.storage.files import StoredFile, checked_name

UNFINISHED_SUFFIX = ".part"


class LocalStorage:
    """Implements `FileStorage` below `root`, which is made when first needed."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def write(self, name: str, data: bytes) -> None:
        target = self._path(name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=UNFINISHED_SUFFIX)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise StorageError(f"The file could not be stored: {error.strerror or error}.") from error

    def take(self, name: str, file: Path) -> None:
        target = self._path(name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with file.open("rb+") as written:
                os.fsync(written.fileno())
            # Both lie below one home: no copy is made.
            file.replace(target)
        except OSError as error:
            raise StorageError(f"The file could not be stored: {error.strerror or error}.") from error

    def read(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def size_bytes(self, name: str) -> int:
        return self._path(name).stat().st_size

    def files(self, folder: str) -> Iterator[StoredFile]:
        for parent, _, names in os.walk(self._path(folder)):
            for name in names:
                path = Path(parent, name)
                try:
                    found = path.lstat()
                except FileNotFoundError:  # deleted since the folder was read
                    continue
                relative = path.relative_to(self.root)
                yield StoredFile(
                    relative.as_posix(),
                    found.st_size,
                    relative.with_name(_blob_name(name)).as_posix(),
                    datetime.fromtimestamp(found.st_mtime, UTC),
                )

    def delete(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def delete_unfinished(self, name: str) -> None:
        target = self._path(name)
        for path in target.parent.glob(f".{glob.escape(target.name)}.*{UNFINISHED_SUFFIX}"):
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        # By its text alone: asking the disk for every part of every path takes longer than reading a thumbnail.
        return self.root / checked_name(name)


def _blob_name(file_name: str) -> str:
    """`.photo.jpeg.k3x9.part` is an unfinished `photo.jpeg`."""
    if not (file_name.startswith(".") and file_name.endswith(UNFINISHED_SUFFIX)):
        return file_name
    return file_name[1:].removesuffix(UNFINISHED_SUFFIX).rpartition(".")[0] or file_name
