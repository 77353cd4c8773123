"""File storage in a folder of the local disk."""

import os
import tempfile
from pathlib import Path

from lianpu.errors import StorageError


class LocalStorage:
    """Implements `FileStorage` below `root`, which is made when first needed."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def write(self, name: str, data: bytes) -> None:
        target = self._path(name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
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

    def read(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def delete(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root):
            raise ValueError(f"{name!r} leaves the storage folder")
        return path
