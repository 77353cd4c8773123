"""The file-storage port: named blobs, written whole or not at all."""

from typing import Protocol


class FileStorage(Protocol):
    """Blobs under relative names such as `gallery/ab/….jpg`. Calls block: run them off the event loop."""

    def write(self, name: str, data: bytes) -> None:
        """Store a blob; readers see the old one or the new one, never a part.

        Raises:
            StorageError: the blob could not be written; nothing is left behind.
        """
        ...

    def read(self, name: str) -> bytes:
        """
        Raises:
            FileNotFoundError: there is no such blob.
        """
        ...

    def delete(self, name: str) -> None:
        """Remove a blob; one that is gone already is no error."""
        ...
