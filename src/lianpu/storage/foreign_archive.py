"""RAR and 7z: read by the system's libarchive in a process of its own, which sees nothing but the archive's bytes."""

import json
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from ctypes.util import find_library
from enum import StrEnum
from functools import cache
from typing import IO, Any

from lianpu.errors import ArchiveDamagedError, ArchiveFormatError, ArchiveTooLargeError, ArchiveUnsafeError
from lianpu.storage.archive_entry import ArchiveEntry, ArchiveLimits, OpenedFile, Refusal
from lianpu.storage.archive_names import check_name, is_clutter
from lianpu.storage.unpacking import ENCRYPTED, HEAD, Frame

CHUNK_BYTES = 1 << 20
WAIT_S = 30.0


class ForeignKind(StrEnum):
    """As libarchive calls them."""

    RAR4 = "rar"
    RAR5 = "rar5"
    SEVEN_ZIP = "7zip"


_SIGNATURES = {
    b"Rar!\x1a\x07\x00": ForeignKind.RAR4,
    b"Rar!\x1a\x07\x01\x00": ForeignKind.RAR5,
    b"7z\xbc\xaf\x27\x1c": ForeignKind.SEVEN_ZIP,
}


def foreign_kind(start: bytes) -> ForeignKind | None:
    """By the first bytes; None: another kind of file."""
    return next((kind for signature, kind in _SIGNATURES.items() if start.startswith(signature)), None)


@cache
def has_libarchive() -> bool:
    """Whether the system has the library (Debian: `libarchive13`)."""
    return find_library("archive") is not None


@contextmanager
def foreign_files(
    file: IO[bytes], packed_bytes: int, kind: ForeignKind, limits: ArchiveLimits, *, with_content: bool
) -> Generator[Iterator[tuple[ArchiveEntry, OpenedFile | Refusal]]]:
    """Its files in order; each is read while it is its turn.

    Args:
        with_content: else only sizes come, counted as the bytes come out all the same.

    Raises:
        ArchiveFormatError: the library is missing.
        ArchiveDamagedError, ArchiveUnsafeError (encrypted as a whole), ArchiveTooLargeError: while iterating.
    """
    if not has_libarchive():
        raise ArchiveFormatError(
            "RAR and 7z are read by the system's libarchive, which is missing here (Debian: apt install libarchive13). "
            "ZIP and tar are taken."
        )
    asked = {
        "kind": kind.value,
        "with_content": with_content,
        "max_members": limits.max_members,
        "max_item_bytes": limits.max_item_bytes,
        "max_total_bytes": limits.max_total_bytes,
        "packed_bytes": packed_bytes,
        "max_ratio": limits.max_ratio,
    }
    # -B: it writes nothing, its own bytecode neither.
    command = [sys.executable, "-I", "-B", "-m", "lianpu.storage.unpacking", json.dumps(asked)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:  # noqa: S603
        assert child.stdin is not None
        assert child.stdout is not None
        feeder = threading.Thread(target=_feed, args=(file, child.stdin), daemon=True)
        feeder.start()
        try:
            yield _files(child.stdout)
        finally:
            child.kill()
            feeder.join(WAIT_S)


def _feed(file: IO[bytes], pipe: IO[bytes]) -> None:
    with suppress(OSError), pipe:  # the child may have read enough
        while chunk := file.read(CHUNK_BYTES):
            pipe.write(chunk)


def _files(pipe: IO[bytes]) -> Iterator[tuple[ArchiveEntry, OpenedFile | Refusal]]:
    frames = _Frames(pipe)
    while True:
        kind, payload = frames.next()
        if kind is Frame.END:
            return
        if kind is Frame.ENTRY:
            yield from _entry(json.loads(payload), frames)


def _entry(told: dict[str, Any], frames: "_Frames") -> Iterator[tuple[ArchiveEntry, OpenedFile | Refusal]]:
    name = unicodedata.normalize("NFC", str(told["name"]).encode("utf-8", "replace").decode())
    entry = ArchiveEntry(name, int(told["size_bytes"]))
    refusal = _refusal(name, told)
    if refusal is not None:
        yield entry, refusal
    elif not told["is_folder"] and not is_clutter(name):
        yield entry, _Streamed(frames)


def _refusal(name: str, told: dict[str, Any]) -> Refusal | None:
    try:
        check_name(name.removesuffix("/"))
    except ArchiveUnsafeError as error:
        return error
    if told["is_folder"]:
        return None
    if not told["is_file"]:
        return ArchiveUnsafeError(f"{name!r} is a link or a device, not a file.")
    if told["is_encrypted"] or ENCRYPTED in str(told["problem"]):
        return ArchiveUnsafeError(f"{name!r} is encrypted.")
    if told["is_split"]:
        return ArchiveDamagedError(f"{name!r} goes on in another part of the archive, which was not sent.")
    if told["is_too_large"]:
        return ArchiveTooLargeError(f"{name!r} unpacks to more bytes than are taken of one file.")
    if told["problem"]:
        return ArchiveDamagedError(f"{name!r} cannot be unpacked: {told['problem']}")
    return None


class _Streamed:
    def __init__(self, frames: "_Frames") -> None:
        self._frames = frames

    def read(self, max_bytes: int) -> bytes:
        return self._frames.content(max_bytes)


class _Frames:
    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe

    def next(self) -> tuple[Frame, bytes]:
        """
        Raises:
            ArchiveDamagedError, ArchiveUnsafeError, ArchiveTooLargeError: the archive cannot be read on.
        """
        head = self._pipe.read(HEAD.size)
        if len(head) < HEAD.size:
            raise ArchiveDamagedError("The archive made its reader fail: it is damaged, or meant to.")
        code, size = HEAD.unpack(head)
        payload = self._pipe.read(size)
        kind = Frame(code)
        if kind is Frame.TOO_LARGE:
            raise ArchiveTooLargeError(payload.decode())
        if kind is Frame.ENCRYPTED:
            raise ArchiveUnsafeError("The archive is encrypted: send it without a password.")
        if kind is Frame.DAMAGED:
            raise ArchiveDamagedError(payload.decode())
        return kind, payload

    def content(self, max_bytes: int) -> bytes:
        kind, payload = self.next()
        return payload[:max_bytes] if kind is Frame.CONTENT else b""
