"""Where labelled images lie: a folder, or a zip or tar archive that is read without being unpacked."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from lianpu.errors import EvaluationInvalidError, ImageTooLargeError, LianpuError
from lianpu.storage.archive import ArchiveLimits, list_entries, read_entries

TEXT_MAX_BYTES = 64 << 20


class Source(Protocol):
    """Files by their names: relative, with forward slashes, no hidden ones."""

    @property
    def path(self) -> Path: ...

    @property
    def files(self) -> tuple[str, ...]:
        """In order of their names."""
        ...

    def read(self, wanted: set[str]) -> Iterator[tuple[str, bytes | LianpuError]]:
        """Contents one after another, each once, in whatever order is fastest; of a file that cannot be read, why."""
        ...


def open_source(path: Path, limits: ArchiveLimits) -> Source:
    """
    Raises:
        EvaluationInvalidError: there is nothing, or nothing that may be read.
        ArchiveDamagedError, ArchiveUnsafeError, ArchiveTooLargeError: the archive is refused.
    """
    try:
        if path.is_dir():
            return FolderSource(path, limits)
        if not path.is_file():
            raise EvaluationInvalidError(f"There is no folder or archive {path}.")
        return ArchiveSource(path, limits)
    except OSError as error:
        raise EvaluationInvalidError(f"{path} cannot be read: {error.strerror or error}.") from error


def read_text(source: Source, name: str) -> str:
    """A text file of a source: UTF-8, with or without byte-order mark.

    Raises:
        EvaluationInvalidError: it is too large, damaged or no UTF-8.
    """
    content = next((content for _, content in source.read({name})), None)
    if isinstance(content, bytes) and len(content) <= TEXT_MAX_BYTES:
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise EvaluationInvalidError(f"{name} is no UTF-8 text.") from error
    reason = content.detail if isinstance(content, LianpuError) else f"more than {TEXT_MAX_BYTES:,} bytes"
    raise EvaluationInvalidError(f"{name} cannot be read: {reason}")


class FolderSource:
    """Implements `Source` on a folder."""

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self.path = path
        self._max_bytes = limits.max_item_bytes
        found: list[str] = []
        for folder, below, names in os.walk(path):
            below[:] = [name for name in below if not name.startswith(".")]
            inside = Path(folder).relative_to(path)
            found += [(inside / name).as_posix() for name in names if not name.startswith(".")]
            if len(found) > limits.max_items:
                raise EvaluationInvalidError(f"{path} holds more than {limits.max_items:,} files.")
        self.files = tuple(sorted(found))

    def read(self, wanted: set[str]) -> Iterator[tuple[str, bytes | LianpuError]]:
        for name in self.files:
            if name in wanted:
                yield name, self._content(name)

    def _content(self, name: str) -> bytes | LianpuError:
        try:
            with (self.path / name).open("rb") as file:
                content = file.read(self._max_bytes + 1)
        except OSError as error:
            return EvaluationInvalidError(f"{name} cannot be read: {error.strerror or error}.")
        if len(content) > self._max_bytes:
            return ImageTooLargeError(f"{name} has more than {self._max_bytes:,} bytes.")
        return content


class ArchiveSource:
    """Implements `Source` on a zip or tar archive."""

    def __init__(self, path: Path, limits: ArchiveLimits) -> None:
        self.path = path
        self._limits = limits
        self.files = tuple(sorted(entry.name for entry in list_entries(path, limits)))

    def read(self, wanted: set[str]) -> Iterator[tuple[str, bytes | LianpuError]]:
        for entry, content in read_entries(self.path, wanted, self._limits):
            yield entry.name, content
