"""Downloads files whose SHA-256 is known: from several addresses, resumable, checked before anyone sees them."""

import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from filelock import FileLock, Timeout

import lianpu
from lianpu.errors import PackDigestError, PackDownloadError, StorageError
from lianpu.packs.folder import sha256_of
from lianpu.packs.transfer import (
    DownloadCancelled,
    Interrupted,
    Part,
    Receiver,
    Refused,
    TransferLimits,
    Watcher,
    shown_address,
)

__all__ = ["DownloadCancelled", "Downloads", "Fetched", "RemoteFile", "TransferLimits"]

_LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")


@dataclass(frozen=True, slots=True)
class RemoteFile:
    name: str
    sha256: str
    size_bytes: int | None
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    path: Path
    """Holds the file whole; `Downloads.discard` deletes it."""
    received_bytes: int
    """Over the network this time."""


@dataclass(slots=True)
class _Tries:
    """What each address did, for the one who reads the error."""

    problems: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    wrong_file: bool = False
    received_bytes: int = 0

    def note(self, url: str, problem: str) -> None:
        self.problems.append({"url": shown_address(url), "problem": problem})


class Downloads:
    """One folder a file, named by its digest: two pulls that need the same file share it."""

    def __init__(
        self,
        folder: Path,
        *,
        mirrors: Sequence[str] = (),
        allow_http: bool = False,
        limits: TransferLimits | None = None,
    ) -> None:
        """
        Args:
            folder: made where it is missing; unfinished downloads stay in it.
            mirrors: base addresses tried first: `<base>/<file name>`.
            allow_http: plain http from other hosts too; from loopback it always is.
        """
        self.folder = folder
        self._mirrors = tuple(mirrors)
        self._allow_http = allow_http
        self._limits = limits or TransferLimits()

    def addresses(self, file_name: str, urls: Sequence[str]) -> list[str]:
        """All addresses of a file, in the order in which they are tried."""
        return [*(f"{base.rstrip('/')}/{file_name}" for base in self._mirrors), *urls]

    def fetch(
        self, file: RemoteFile, progress: Callable[[int, int | None], None], is_cancelled: Callable[[], bool]
    ) -> Fetched:
        """The file, downloaded or found whole. Blocks, also while another process downloads it.

        Raises:
            PackDownloadError: no address gave it; what came stays for the next time.
            PackDigestError: what an address gave is another file, which is deleted, and no other address helped.
            DownloadCancelled: `is_cancelled` said so; what came stays.
            StorageError: the disk is full or cannot be written; what came stays.
        """
        watcher = Watcher(progress, is_cancelled)
        place = self.folder / file.sha256
        with self.alone(file.sha256, is_cancelled), _folder_of(place), _storage(place):
            whole, part = place / file.name, Part(place / f"{file.name}.part")
            if whole.is_file():
                if sha256_of(whole) == file.sha256:
                    progress(whole.stat().st_size, whole.stat().st_size)
                    return Fetched(whole, 0)
                whole.unlink()
            tries = _Tries()
            try:
                self._check_room(file, part)
                self._download(file, part, watcher, tries)
                part.path.rename(whole)
                part.delete()
            finally:
                if part.size_bytes == 0:
                    part.delete()
            return Fetched(whole, tries.received_bytes)

    def discard(self, sha256: str) -> None:
        """Delete a file that is needed no more, or the part of one."""
        shutil.rmtree(self.folder / sha256, ignore_errors=True)

    def _download(self, file: RemoteFile, part: Part, watcher: Watcher, tries: _Tries) -> None:
        addresses = self.addresses(file.name, file.urls)
        with self._client() as client:
            receiver = Receiver(client, self._limits, allow_http=self._allow_http)
            for url in addresses:
                watcher.check()
                if self._from_address(url, receiver, file, part, watcher, tries):
                    return
        context = {"sources": tries.problems}
        said = "; ".join(f"{item['url']}: {item['problem']}" for item in tries.problems) or "it has no address"
        if tries.wrong_file:
            raise PackDigestError(f"{file.name} could not be had as the catalogue names it. {said}.", context=context)
        raise PackDownloadError(f"{file.name} could not be downloaded. {said}.", context=context)

    def _from_address(
        self, url: str, receiver: Receiver, file: RemoteFile, part: Part, watcher: Watcher, tries: _Tries
    ) -> bool:
        """Try one address as often as it makes sense; whether the file is there and right."""
        idle, furthest, joined_wrongly = 0, part.size_bytes, False
        for _ in range(self._limits.max_attempts):
            before = part.size_bytes
            try:
                received = receiver.receive(url, part, file.size_bytes, watcher)
            except Refused as refusal:
                tries.note(url, str(refusal))
                return False
            except Interrupted as interruption:
                tries.received_bytes += max(0, part.size_bytes - before)
                idle = 0 if part.size_bytes > furthest else idle + 1
                furthest = max(furthest, part.size_bytes)
                if idle >= self._limits.max_idle_attempts:
                    tries.note(url, str(interruption))
                    return False
                backoff_s = min(self._limits.max_wait_s, self._limits.backoff_s * 2**idle)
                watcher.sleep(max(interruption.retry_after_s, backoff_s))
                continue
            tries.received_bytes += received.bytes
            digest = sha256_of(part.path)
            if digest == file.sha256:
                return True
            part.delete()
            if received.is_whole or joined_wrongly:
                tries.wrong_file = True
                tries.note(url, f"it gives another file (SHA-256 {digest})")
                return False
            # Pieces of several answers: this address may be right and an earlier one wrong, so once more in one go.
            furthest, joined_wrongly = 0, True
        tries.note(url, f"it was interrupted {self._limits.max_attempts} times")
        return False

    def _check_room(self, file: RemoteFile, part: Part) -> None:
        missing = (file.size_bytes or 0) - part.size_bytes
        free = shutil.disk_usage(self.folder).free
        if missing > free:
            raise StorageError(
                f"The disk of {self.folder} has {free / 1e6:.0f} MB free, and {file.name} needs {missing / 1e6:.0f} MB."
            )

    def _client(self) -> httpx2.Client:
        limits = self._limits
        return httpx2.Client(
            headers={"User-Agent": f"lianpu/{lianpu.__version__}", "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(limits.read_timeout_s, connect=limits.connect_timeout_s),
            # The proxy that the environment names is for the world outside.
            mounts=dict.fromkeys(_LOOPBACK),
        )

    @contextmanager
    def alone(self, what: str, is_cancelled: Callable[[], bool]) -> Generator[None]:
        """Wait until no other process or thread is at it, and keep them waiting meanwhile.

        Raises:
            DownloadCancelled: `is_cancelled` said so.
            StorageError: the folder cannot be written.
        """
        path = self.folder / f"{what}.lock"
        lock = FileLock(path)
        with _storage(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            while True:
                try:
                    lock.acquire(timeout=0.2)
                    break
                except Timeout:
                    if is_cancelled():
                        raise DownloadCancelled from None
        try:
            yield
        finally:
            # While it is held: whoever waits for it finds the file gone and makes a new one.
            with suppress(OSError):  # Windows deletes no open file
                path.unlink()
            lock.release()


@contextmanager
def _folder_of(place: Path) -> Generator[None]:
    """Make a folder; it goes again where nothing stays in it."""
    with _storage(place):
        place.mkdir(exist_ok=True, mode=0o700)
    try:
        yield
    finally:
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


@contextmanager
def _storage(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror or error}.") from error
