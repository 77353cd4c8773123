"""The file-storage port: named blobs, written whole or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that lies in the storage: a blob, or what an interrupted write of one left behind."""

    name: str
    size_bytes: int
    blob: str
    """The blob's name: `name` itself, or that of the blob whose writing was interrupted."""
    modified_at: datetime
    """By the clock of whoever keeps it."""


def checked_name(name: str) -> str:
    """
    Raises:
        ValueError: it would lie outside of the storage, or be written in more than one way.
    """
    parts = name.split("/")
    if not all(parts) or {".", ".."} & {*parts} or "\\" in name or any(char < " " for char in name):
        raise ValueError(f"{name!r} leaves the storage folder, or is not the name of a file")
    return name


class FileStorage(Protocol):
    """Blobs under relative names such as `gallery/ab/….jpg`. Calls block: run them off the event loop.

    A name that `checked_name` refuses raises `ValueError`; storage that lies elsewhere and is away raises
    `StorageUnavailableError`, from any call.
    """

    def write(self, name: str, data: bytes) -> None:
        """Store a blob; readers see the old one or the new one, never a part.

        Raises:
            StorageError: the blob could not be written; nothing is left behind.
        """
        ...

    def take(self, name: str, file: Path) -> None:
        """Store a file of the local disk as a blob; it is gone afterwards. Readers see it whole or not at all.

        Raises:
            StorageError: the blob could not be stored.
        """
        ...

    def read(self, name: str) -> bytes:
        """
        Raises:
            FileNotFoundError: there is no such blob.
        """
        ...

    def size_bytes(self, name: str) -> int:
        """
        Raises:
            FileNotFoundError: there is no such blob.
        """
        ...

    def files(self, folder: str) -> Iterator[StoredFile]:
        """Everything below a folder such as `gallery`, unfinished writes included; nothing where there is no folder."""
        ...

    def delete(self, name: str) -> None:
        """Remove a blob; one that is gone already is no error."""
        ...

    def delete_unfinished(self, name: str) -> None:
        """Remove what an interrupted write of this blob left. Only while nobody writes it."""
        ...
