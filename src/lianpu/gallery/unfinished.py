"""Files of changes that have not ended, noted in the storage: a crash leaves none behind that no row names."""

import asyncio
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import cast

from lianpu.database.base import now_utc
from lianpu.database.session import Database
from lianpu.gallery.repository import GalleryRepository
from lianpu.storage.files import FileStorage, StoredFile

NOTES_FOLDER = "unfinished"
RETRY_INTERVAL_S = 3600.0
ABANDONED_AFTER = timedelta(hours=6)
"""A note of another process that is older belongs to a change that has ended: one writes its files and commits."""
_log = logging.getLogger(__name__)


class UnfinishedFiles:
    """One note a change, by a token of its own: only while one names a file may it lie in the storage without a row."""

    def __init__(self, storage: FileStorage, *, is_alone: bool = True) -> None:
        """`is_alone`: no other process changes this gallery; what an earlier one left has ended."""
        self._storage = storage
        self._is_alone = is_alone
        self._named: dict[str, tuple[str, ...]] = {}
        self._left: dict[str, tuple[str, ...]] = {}

    def in_flight(self) -> set[str]:
        """Files that a change has in hand, here or in another process. Blocks."""
        names = {name for of_token in tuple(self._named.values()) for name in of_token}
        if not self._is_alone:
            own = self._named.keys() | self._left.keys()
            names.update(name for token, _, of_token in self._notes() if token not in own for name in of_token)
        return names

    def note(self, token: str, files: Iterable[str]) -> None:
        """Write down names, over those of an earlier call with the token. Blocks.

        Raises:
            StorageError: the note cannot be written; the names count as in flight all the same.
        """
        self._named[token] = tuple(files)
        self._storage.write(_note(token), json.dumps(self._named[token]).encode())

    def forget(self, token: str) -> None:
        """The change has ended and its files are in order. Blocks."""
        self._storage.delete(_note(token))
        self._named.pop(token, None)

    def leave(self, token: str) -> None:
        """The change has ended but a file could not be deleted: `retry_deletions` and the next start try again."""
        self._left[token] = self._named.pop(token, ())

    def left(self) -> dict[str, tuple[str, ...]]:
        """By token: the files of ended changes of which some could not be deleted."""
        return dict(self._left)

    def left_behind(self) -> dict[str, list[str]]:
        """Of processes that are no more: token -> the files it names. Blocks.

        Where this process is alone, only before it changes anything; else of notes that are `ABANDONED_AFTER` old.
        """
        newest = now_utc() - ABANDONED_AFTER
        own = self._named.keys() | self._left.keys()
        found: dict[str, list[str]] = {}
        for token, file, names in self._notes():
            if self._is_alone or (token not in own and file.modified_at < newest):
                # An earlier note stays until one that is written over it is whole.
                found.setdefault(token, []).extend(names)
        return found

    def _notes(self) -> Iterator[tuple[str, StoredFile, list[str]]]:
        """(token, its file, the names in it); several of a token where the writing of one was interrupted."""
        for file in list(self._storage.files(NOTES_FOLDER)):
            try:
                names = cast(object, json.loads(self._storage.read(file.name)))
            except FileNotFoundError:  # its change has ended since
                continue
            except ValueError:  # an unfinished note: its change has written no file yet
                names = []
            listed = cast(list[object], names) if isinstance(names, list) else []
            token = file.blob.removeprefix(f"{NOTES_FOLDER}/").removesuffix(".json")
            yield token, file, [name for name in listed if isinstance(name, str)]

    def clear(self, token: str, files: Sequence[str]) -> bool:
        """Delete these files and then the note. Blocks.

        Returns:
            Whether all are gone; where another program holds one, the token's files stay `left`.
        """
        try:
            for file in files:
                self._storage.delete(file)
                self._storage.delete_unfinished(file)
            self._storage.delete(_note(token))
            self._storage.delete_unfinished(_note(token))
        except OSError as error:
            _log.warning("files could not be deleted", extra={"files": len(files), "reason": str(error)})
            self._left[token] = tuple(files)
            return False
        self._left.pop(token, None)
        return True


async def mend_after_crash(database: Database, unfinished: UnfinishedFiles) -> None:
    """Delete the files that changes of ended processes had in hand, unless a row names them."""
    for token, files in (await asyncio.to_thread(unfinished.left_behind)).items():
        await _clear(database, unfinished, token, files)


async def retry_deletions(database: Database, unfinished: UnfinishedFiles) -> None:
    """Delete the files of ended changes that another program held, unless a row names them."""
    for token, files in unfinished.left().items():
        await _clear(database, unfinished, token, files)


async def run_retries(database: Database, unfinished: UnfinishedFiles) -> None:
    """Every hour: `retry_deletions`, and after other nodes that crashed."""
    while True:
        await asyncio.sleep(RETRY_INTERVAL_S)
        try:
            await retry_deletions(database, unfinished)
            if not database.is_sqlite:
                await mend_after_crash(database, unfinished)
        except Exception as error:  # tried again in an hour
            _log.warning("files cannot be deleted", exc_info=error)


async def _clear(database: Database, unfinished: UnfinishedFiles, token: str, files: Sequence[str]) -> None:
    async with database.session() as session:
        named = await GalleryRepository(session).named_files(files)
    obsolete = [file for file in files if file not in named]
    if await asyncio.to_thread(unfinished.clear, token, obsolete):
        _log.info("an interrupted change was cleaned up", extra={"files": len(obsolete)})


def _note(token: str) -> str:
    return f"{NOTES_FOLDER}/{token}.json"
