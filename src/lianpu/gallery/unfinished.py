"""Files of changes that have not ended, noted in the storage: a crash leaves none behind that no row names."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from lianpu.database.base import new_id
from lianpu.database.session import Database
from lianpu.gallery.repository import GalleryRepository
from lianpu.nodes.presence import Node
from lianpu.storage.files import FileStorage

NOTES_FOLDER = "unfinished"
RETRY_INTERVAL_S = 3600.0
MEND_INTERVAL_S = 60.0
ALONE = "alone"
_log = logging.getLogger(__name__)


def node_of(token: str) -> str:
    """Whose change it is; empty: a version that worked on a home alone did not say."""
    node_id, _, name = token.partition(".")
    return node_id if name else ""


class UnfinishedFiles:
    """One note a change, by a token of its own: only while one names a file may it lie in the storage without a row."""

    def __init__(self, storage: FileStorage, *, node_id: str = ALONE) -> None:
        """`node_id`: whose changes these are: other nodes keep their notes beside them."""
        self._storage = storage
        self._node_id = node_id
        self._named: dict[str, tuple[str, ...]] = {}
        self._left: dict[str, tuple[str, ...]] = {}

    def new_token(self) -> str:
        """Of a change that begins; says whose it is."""
        return f"{self._node_id}.{new_id()}"

    def in_flight_elsewhere(self) -> set[str]:
        """Files that changes of other nodes have in hand, or had when these ended. Blocks."""
        noted = self._noted(lambda token: node_of(token) not in {"", self._node_id})
        return {file for files in noted.values() for file in files}

    def in_flight(self, file: str) -> bool:
        """Whether a change that runs in this process has the file in hand."""
        return any(file in names for names in tuple(self._named.values()))

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
        """At the start, where nobody else works: token -> the files that it names. Blocks."""
        return self._noted(lambda _: True)

    def left_elsewhere(self) -> dict[str, list[str]]:
        """The same, of other nodes: of those that work, and of those that are gone. Blocks."""
        return self._noted(lambda token: node_of(token) != self._node_id)

    def _noted(self, wanted: Callable[[str], bool]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for file in list(self._storage.files(NOTES_FOLDER)):
            token = file.blob.removeprefix(f"{NOTES_FOLDER}/").removesuffix(".json")
            if not wanted(token):
                continue
            try:
                names = cast(object, json.loads(self._storage.read(file.name)))
            except FileNotFoundError:  # its change has ended meanwhile
                continue
            except ValueError:  # an unfinished note: its change has written no file yet
                names = []
            # An earlier note stays until one that is written over it is whole.
            of_token = found.setdefault(token, [])
            if isinstance(names, list):
                of_token += [name for name in names if isinstance(name, str)]  # pyright: ignore[reportUnknownVariableType]
        return found

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


async def mend_after_crash(database: Database, unfinished: UnfinishedFiles, node: Node | None = None) -> None:
    """Delete the files that changes of ended processes had in hand, unless a row names them.

    Args:
        node: this one among others that hold the home: what those have in hand stays. None: it holds the home alone.
    """
    if node is None or not node.is_registered:
        left = await asyncio.to_thread(unfinished.left_behind)
    else:
        left = await asyncio.to_thread(unfinished.left_elsewhere)
        # After the notes: a node that writes one is among the living by then.
        living = await asyncio.to_thread(node.living)
        left = {token: files for token, files in left.items() if node_of(token) not in living}
        await asyncio.to_thread(node.bury)
    for token, files in left.items():
        await _clear(database, unfinished, token, files)


async def run_mending(database: Database, unfinished: UnfinishedFiles, node: Node) -> None:
    """Every minute, where other nodes hold the home too: what those left that were killed."""
    while node.is_registered:
        await asyncio.sleep(MEND_INTERVAL_S)
        try:
            await mend_after_crash(database, unfinished, node)
        except Exception as error:  # tried again in a minute
            _log.warning("what a node left cannot be cleaned up", exc_info=error)


async def retry_deletions(database: Database, unfinished: UnfinishedFiles) -> None:
    """Delete the files of ended changes that another program held, unless a row names them."""
    for token, files in unfinished.left().items():
        await _clear(database, unfinished, token, files)


async def run_retries(database: Database, unfinished: UnfinishedFiles) -> None:
    """Every hour: `retry_deletions`."""
    while True:
        await asyncio.sleep(RETRY_INTERVAL_S)
        try:
            await retry_deletions(database, unfinished)
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
