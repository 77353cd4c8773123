"""Writes an archive: entries stored as they are, a checksum of each, the signature last."""

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from lianpu.gallery.transfer.archive_format import CHECKSUMS
from lianpu.gallery.transfer.signing import READ_BYTES, SigningKey


class ArchiveWriter:
    """A zip file that is signed once it is whole. Calls block.

    Nothing is compressed: photos would not get smaller, and a reader that refuses compressed entries need not fear any
    that grow without end.
    """

    def __init__(self, path: Path, created_at: datetime, key: SigningKey) -> None:
        self._path = path
        self._key = key
        self._date = created_at.timetuple()[:6]
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._checksums: list[str] = []

    def abandon(self) -> None:
        """Remove what there is of it."""
        self._zip.close()
        self._path.unlink(missing_ok=True)

    def add(self, name: str, data: bytes) -> None:
        self._add(name, [data])

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self._add(name, iter(lambda: file.read(READ_BYTES), b""))

    def _add(self, name: str, parts: Iterable[bytes]) -> None:
        digest = hashlib.sha256()
        with self._zip.open(self._info(name), "w", force_zip64=True) as entry:
            for part in parts:
                digest.update(part)
                entry.write(part)
        self._checksums.append(f"{digest.hexdigest()}  {name}\n")

    def finish(self) -> None:
        """Write the checksums, close and sign. The writer is of no use afterwards."""
        with self._zip.open(self._info(CHECKSUMS), "w", force_zip64=True) as entry:
            for lines in _joined(self._checksums):
                entry.write(lines.encode())
        self._zip.comment = self._key.comment_placeholder()
        self._zip.close()
        self._key.sign(self._path)

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._date)  # pyright: ignore[reportArgumentType]
        info.external_attr = 0o600 << 16
        return info


def _joined(lines: list[str], at_once: int = 10_000) -> Iterator[str]:
    for start in range(0, len(lines), at_once):
        yield "".join(lines[start : start + at_once])
