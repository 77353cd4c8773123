"""Files against rows: every image has its two files as they were stored, and every file an image."""

import asyncio
import hashlib
import itertools
from array import array
from collections.abc import AsyncIterator, Iterator, Sequence

import numpy as np

from lianpu.database.session import Database
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.consistency.findings import Finding, Problem
from lianpu.gallery.consistency.repository import ConsistencyRepository, ImageRow
from lianpu.gallery.repository import GalleryRepository
from lianpu.storage.files import FileStorage, StoredFile

GALLERY_FOLDER = "gallery"
READERS = 4
FILES_PER_STEP = 2000
JPEG_START = b"\xff\xd8\xff"


class FileCheck:
    """One check. `images` goes first: it remembers the names that `orphans` then looks for, in eight bytes each."""

    def __init__(self, database: Database, storage: FileStorage, changes: GalleryChanges, *, quick: bool) -> None:
        """`quick`: sizes are compared and no file is read."""
        self._database = database
        self._storage = storage
        self._unfinished = changes.unfinished
        self._quick = quick
        self._names = array("Q")

    async def images(self) -> AsyncIterator[tuple[int, list[Finding]]]:
        """(images looked at, what is wrong with their files), some hundreds at a time."""
        after = ""
        while True:
            async with self._database.session() as session:
                rows = await ConsistencyRepository(session).images(after)
            if not rows:
                return
            after = rows[-1].id
            self._names.extend(_digest(name) for row in rows for name in (row.stored_path, row.thumbnail_path))
            parts = [rows[start::READERS] for start in range(READERS)]
            found = await asyncio.gather(*(asyncio.to_thread(self._check_all, part) for part in parts))
            suspects = [finding for findings in found for finding in findings]
            yield len(rows), await self._confirmed(rows, suspects)

    async def orphans(self) -> AsyncIterator[tuple[int, list[Finding]]]:
        """(files looked at, those that no image names), some thousands at a time."""
        known = np.sort(np.frombuffer(self._names, dtype=np.uint64)) if self._names else np.empty(0, np.uint64)
        files = self._storage.files(GALLERY_FOLDER)
        while batch := await asyncio.to_thread(_some, files):
            digests = np.array([_digest(file.name) for file in batch], dtype=np.uint64)
            at = np.searchsorted(known, digests)
            is_known = (at < len(known)) & (known[np.minimum(at, len(known) - 1)] == digests) if len(known) else at < 0
            suspects = [file for file, one in zip(batch, is_known, strict=True) if not one]
            yield (
                len(batch),
                [
                    Finding(Problem.FILE_ORPHAN, name, "no image names this file")
                    for name in await self._unnamed(suspects)
                ],
            )

    async def _unnamed(self, suspects: Sequence[StoredFile]) -> list[str]:
        if not suspects:
            return []
        # A file that no change has in hand now is named by a committed row, or never will be …
        in_flight = await asyncio.to_thread(self._unfinished.in_flight)
        idle = [file for file in suspects if file.blob not in in_flight]
        async with self._database.session() as session:
            named = await GalleryRepository(session).named_files([file.name for file in idle])
        unnamed = [file for file in idle if file.name not in named]
        return await asyncio.to_thread(self._left_over, unnamed)

    def _left_over(self, unnamed: Sequence[StoredFile]) -> list[str]:
        # … unless its row has been deleted since: then that change has it in hand still, or the file is gone.
        in_flight = self._unfinished.in_flight()
        return [file.name for file in unnamed if file.blob not in in_flight and self._exists(file.name)]

    def _exists(self, name: str) -> bool:
        try:
            self._storage.size_bytes(name)
        except FileNotFoundError:
            return False
        return True

    def _check_all(self, rows: Sequence[ImageRow]) -> list[Finding]:
        return [finding for row in rows for finding in self._check(row)]

    def _check(self, row: ImageRow) -> Iterator[Finding]:
        try:
            if self._quick:
                size_bytes = self._storage.size_bytes(row.stored_path)
                whole = size_bytes == row.size_bytes
            else:
                data = self._storage.read(row.stored_path)
                whole = len(data) == row.size_bytes and hashlib.sha256(data).hexdigest() == row.sha256
            if not whole:
                yield _finding(Problem.FILE_DAMAGED, row, f"{row.stored_path} is not the photo that was enrolled")
        except FileNotFoundError:
            yield _finding(Problem.FILE_MISSING, row, f"{row.stored_path} is missing")
        try:
            if self._quick:
                good = self._storage.size_bytes(row.thumbnail_path) > 0
            else:
                good = self._storage.read(row.thumbnail_path).startswith(JPEG_START)
            if not good:
                yield _finding(Problem.THUMBNAIL_DAMAGED, row, f"{row.thumbnail_path} is no JPEG")
        except FileNotFoundError:
            yield _finding(Problem.THUMBNAIL_MISSING, row, f"{row.thumbnail_path} is missing")

    async def _confirmed(self, rows: Sequence[ImageRow], suspects: list[Finding]) -> list[Finding]:
        """Without those whose image was deleted or replaced since its row was read."""
        if not suspects:
            return []
        async with self._database.session() as session:
            paths = [row.stored_path for row in rows]
            named = await GalleryRepository(session).named_files(paths)
        gone = {row.id for row in rows if row.stored_path not in named}
        return [finding for finding in suspects if finding.subject not in gone]


def _finding(problem: Problem, row: ImageRow, message: str) -> Finding:
    return Finding(problem, row.id, message, row.person_id)


def _some(files: Iterator[StoredFile]) -> list[StoredFile]:
    return list(itertools.islice(files, FILES_PER_STEP))


def _digest(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
