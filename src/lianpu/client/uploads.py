"""Files to be sent: a path, bytes, or a file that is open for reading."""

import io
import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import anyio.to_thread

Source = str | os.PathLike[str] | bytes | IO[bytes]
"""A path, the bytes themselves, or a file open in binary mode (which stays open)."""
Target = str | os.PathLike[str]
"""Path of a file that an answer goes to; one that is there is replaced."""
CHUNK_BYTES = 1 << 20
_NAMELESS = "upload"


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a request."""

    source: Source
    name: str = ""
    """As the server is told; else the name of the path or file."""

    @property
    def shown_name(self) -> str:
        if self.name:
            return self.name
        if isinstance(self.source, bytes):
            return _NAMELESS
        if isinstance(self.source, str | os.PathLike):
            return Path(self.source).name
        # A file that was opened by its number has a number for a name.
        named: object = getattr(self.source, "name", None)
        return Path(named).name if isinstance(named, str) else _NAMELESS

    @property
    def is_repeatable(self) -> bool:
        """Whether it can be sent a second time."""
        if isinstance(self.source, bytes | str | os.PathLike):
            return True
        return self.source.seekable()

    @contextmanager
    def opened(self) -> Generator[IO[bytes]]:
        """The file from its beginning.

        Raises:
            OSError: the path cannot be read.
        """
        if isinstance(self.source, bytes):
            yield io.BytesIO(self.source)
        elif isinstance(self.source, str | os.PathLike):
            with Path(self.source).open("rb") as file:
                yield file
        else:
            if self.source.seekable():
                self.source.seek(0)
            yield self.source


class FileChunks:
    """A file as the whole body of a request; may be gone through again."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        if self._file.seekable():
            self._file.seek(0)
        while chunk := self._file.read(CHUNK_BYTES):
            yield chunk


class AsyncFileChunks:
    """The same for `AsyncLianpu`; the file is read in a thread."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._file.seekable():
            self._file.seek(0)
        while chunk := await anyio.to_thread.run_sync(self._file.read, CHUNK_BYTES):
            yield chunk


def size_bytes(file: IO[bytes]) -> int | None:
    """How much there is of a file; None: not known before it is read."""
    if not file.seekable():
        return None
    at = file.tell()
    size = file.seek(0, io.SEEK_END)
    file.seek(at)
    return size
