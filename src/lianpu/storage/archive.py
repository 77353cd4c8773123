"""Reads zip and tar archives of people one does not know: every name checked, every size bounded, nothing unpacked."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Container, Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, cast

from lianpu.errors import ArchiveDamagedError, ArchiveTooLargeError, ArchiveUnsafeError
from lianpu.storage.archive_entry import SMALL_BYTES, ArchiveEntry, ArchiveLimits, OpenedFile, Refusal
from lianpu.storage.archive_names import check_name, is_clutter, tar_name, zip_name
from lianpu.storage.foreign_archive import foreign_files, foreign_kind

TAR_HEADER_MAX_BYTES = 1 << 20
DIRECTORY_BYTES_PER_MEMBER = 256
SPLIT_ZIP = b"PK\7\x08"
"""The signature that stands before the first file of a ZIP in several parts (APPNOTE 8.5.5)."""
ZIP64_END, ZIP64_END_BYTES = b"PK\6\6", 76
"""The record's signature, and the length of it with its locator."""
ENCRYPTED = 0x1
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_TAR_HEADERS = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}
_DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,  # zipfile, of a version or a compression from the future
    RecursionError,  # tarfile, of a header that describes a header that describes …
)


def list_entries(path: Path, limits: ArchiveLimits) -> list[ArchiveEntry]:
    """Look through the whole archive, which a tar.gz has to be unpacked for.

    Raises:
        ArchiveDamagedError: it is no zip or tar archive, or is cut short.
        ArchiveUnsafeError: names that lead elsewhere, links, devices, encrypted files, a name that stands twice.
        ArchiveTooLargeError: more, or larger, than the limits.
    """
    entries: list[ArchiveEntry] = []
    seen: set[str] = set()
    total_bytes = 0
    with _opened(path, limits) as files:
        for entry, opened in files:
            if isinstance(opened, Refusal):
                raise opened
            if entry.name in seen:
                raise ArchiveUnsafeError(f"The archive holds {entry.name!r} twice.")
            seen.add(entry.name)
            total_bytes += entry.size_bytes
            if entry.size_bytes > limits.max_item_bytes:
                raise ArchiveTooLargeError(
                    f"{entry.name!r} has {entry.size_bytes:,} bytes; at most {limits.max_item_bytes:,} are taken."
                )
            if total_bytes > limits.max_total_bytes:
                raise ArchiveTooLargeError(f"The archive unpacks to more than {limits.max_total_bytes:,} bytes.")
            entries.append(entry)
            if len(entries) > limits.max_items:
                raise ArchiveTooLargeError(f"The archive holds more than {limits.max_items:,} files.")
    return entries


def read_entries(
    path: Path, wanted: set[str], limits: ArchiveLimits
) -> Iterator[tuple[ArchiveEntry, bytes | ArchiveDamagedError]]:
    """The wanted files of an archive that `list_entries` has passed, in its order; a damaged one comes as its error.

    Raises:
        ArchiveDamagedError: the archive itself cannot be read on.
    """
    with _opened(path, limits) as files:
        for entry, opened in files:
            if isinstance(opened, Refusal):
                raise opened
            if entry.name in wanted:
                yield entry, _content(entry, opened, limits)


def scan_entries(source: IO[bytes], limits: ArchiveLimits) -> list[tuple[ArchiveEntry, Refusal | None]]:
    """Look through the whole archive, which may be RAR or 7z too; a file that cannot be taken comes with the reason.

    Raises:
        ArchiveFormatError: RAR or 7z, and the library for them is missing.
        ArchiveDamagedError: it is no archive that is known, or is cut short.
        ArchiveTooLargeError: more files, or more bytes in all, than the limits; or a bomb.
    """
    found: list[tuple[ArchiveEntry, Refusal | None]] = []
    seen: set[str] = set()
    total_bytes = 0
    with _opened(source, limits, foreign=True, is_scan=True) as files:
        for entry, opened in files:
            refusal = opened if isinstance(opened, Refusal) else None
            if refusal is None and entry.name in seen:
                refusal = ArchiveUnsafeError(f"The archive holds {entry.name!r} twice.")
            seen.add(entry.name)
            if refusal is None and entry.size_bytes > limits.max_item_bytes:
                refusal = ArchiveTooLargeError(
                    f"It has {entry.size_bytes:,} bytes; at most {limits.max_item_bytes:,} are taken."
                )
            found.append((entry, refusal))
            total_bytes += entry.size_bytes if refusal is None else 0
            if len(found) > limits.max_items:
                raise ArchiveTooLargeError(f"The archive holds more than {limits.max_items:,} files.")
            if total_bytes > limits.max_total_bytes:
                raise ArchiveTooLargeError(f"The archive unpacks to more than {limits.max_total_bytes:,} bytes.")
    return found


def unpack_entries(
    source: IO[bytes], wanted: Container[int], limits: ArchiveLimits
) -> Generator[tuple[int, bytes | Refusal]]:
    """The content of those files that have these places in what `scan_entries` gave; a damaged one as its error.

    Raises:
        ArchiveDamagedError: the archive itself cannot be read on.
    """
    with _opened(source, limits, foreign=True) as files:
        for place, (entry, opened) in enumerate(files):
            if place in wanted:
                yield place, opened if isinstance(opened, Refusal) else _content(entry, opened, limits)


class _Opened:
    """Opens one file of an archive when it is wanted."""

    def __init__(self, archive: zipfile.ZipFile | tarfile.TarFile, member: Any) -> None:
        self._archive = archive
        self._member = member

    def read(self, max_bytes: int) -> bytes:
        if isinstance(self._archive, zipfile.ZipFile):
            with self._archive.open(self._member) as file:
                return file.read(max_bytes)
        extracted = self._archive.extractfile(self._member)
        return b"" if extracted is None else extracted.read(max_bytes)


def _content(entry: ArchiveEntry, opened: OpenedFile, limits: ArchiveLimits) -> bytes | ArchiveDamagedError:
    try:
        data = opened.read(limits.max_item_bytes + 1)
    except (*_DAMAGE, RuntimeError) as error:
        return ArchiveDamagedError(f"{entry.name!r} cannot be unpacked: {error}")
    if len(data) != entry.size_bytes:
        return ArchiveDamagedError(f"{entry.name!r} unpacks to another size than the archive says.")
    return data


_Files = Iterator[tuple[ArchiveEntry, OpenedFile | Refusal]]


@contextmanager
def _opened(
    source: Path | IO[bytes], limits: ArchiveLimits, *, foreign: bool = False, is_scan: bool = False
) -> Generator[_Files]:
    """
    Args:
        foreign: RAR and 7z are taken as well.
        is_scan: nothing will be read of them.
    """
    try:
        with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
            file.seek(0, io.SEEK_END)
            packed_bytes = file.tell()
            file.seek(0)
            start = file.read(512)
            file.seek(0)
            kind = foreign_kind(start) if foreign else None
            if kind is not None:
                with foreign_files(file, packed_bytes, kind, limits, with_content=not is_scan) as files:
                    yield files
            elif start.startswith(SPLIT_ZIP):
                raise ArchiveDamagedError("The file is one part of a split ZIP: send it in one piece.")
            elif start.startswith(b"PK"):
                _check_directory(file, limits)
                with zipfile.ZipFile(file) as archive:
                    yield _zip_files(archive, limits)
            else:
                with _unpacked(file, start, packed_bytes, limits) as stream:
                    yield _tar_files(stream, limits)
    except _DAMAGE as error:
        kinds = "zip, tar, RAR or 7z" if foreign else "zip or tar"
        raise ArchiveDamagedError(f"The file is no readable {kinds} archive: {error}") from error


def _check_directory(file: IO[bytes], limits: ArchiveLimits) -> None:
    """zipfile reads a directory of any length into memory, and believes no number of entries but what it finds."""
    # Its own function: a search of another kind might find another directory than the one that it will read.
    found = cast("list[Any] | None", zipfile._EndRecData(file))  # noqa: SLF001  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    if found is None:
        return
    signature, size_bytes, place = found[0], int(found[5]), int(found[9])
    too_many = ArchiveTooLargeError(f"The archive lists more than {limits.max_members:,} files and folders.")
    if size_bytes > limits.max_members * DIRECTORY_BYTES_PER_MEMBER:
        raise too_many
    file.seek(max(0, place - size_bytes - (ZIP64_END_BYTES if signature == ZIP64_END else 0)))
    if file.read(size_bytes).count(b"PK\1\2") > limits.max_members:
        raise too_many


def _zip_files(archive: zipfile.ZipFile, limits: ArchiveLimits) -> _Files:
    for member in archive.infolist():
        name = zip_name(member)
        entry = ArchiveEntry(name, member.file_size)
        try:
            _check_zip_member(member, name, limits)
        except (ArchiveUnsafeError, ArchiveTooLargeError) as refusal:
            yield entry, refusal
            continue
        if not name.endswith("/") and not is_clutter(name):
            yield entry, _Opened(archive, member)


def _check_zip_member(member: zipfile.ZipInfo, name: str, limits: ArchiveLimits) -> None:
    check_name(name.removesuffix("/"))
    if stat.S_IFMT(member.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise ArchiveUnsafeError(f"{name!r} is a link or a device, not a file.")
    if member.flag_bits & ENCRYPTED:
        raise ArchiveUnsafeError(f"{name!r} is encrypted.")
    if member.compress_type not in _COMPRESSIONS:
        raise ArchiveUnsafeError(f"{name!r} is compressed in a way that is not known here.")
    if member.file_size > max(SMALL_BYTES, member.compress_size * limits.max_ratio):
        raise ArchiveTooLargeError(f"{name!r} unpacks to {member.file_size:,} bytes: refused as a bomb.")


def _tar_files(stream: IO[bytes], limits: ArchiveLimits) -> _Files:
    ended = False

    class Member(tarfile.TarInfo):
        """Sees what tarfile keeps to itself: a header that is too large to read, and an archive without an end."""

        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "Member":
            nonlocal ended
            # A block of zeros ends an archive; super() raises for it, as for every other block that is no header.
            ended = not any(buf)
            member = super().frombuf(buf, encoding, errors)
            if member.type in _TAR_HEADERS and member.size > TAR_HEADER_MAX_BYTES:
                raise tarfile.ReadError("a header larger than any name needs")
            return member

    with tarfile.open(fileobj=stream, mode="r|", tarinfo=Member) as archive:
        count = 0
        while (member := archive.next()) is not None:
            # It would keep all of them.
            archive.members = []  # pyright: ignore[reportAttributeAccessIssue]
            count += 1
            if count > limits.max_members:
                raise ArchiveTooLargeError(f"The archive lists more than {limits.max_members:,} files and folders.")
            name = tar_name(member).removeprefix("./")
            if member.isdir() and name == ".":  # as `tar -c .` calls the folder itself
                continue
            entry = ArchiveEntry(name, member.size)
            try:
                check_name(name.removesuffix("/"))
                if not member.isdir() and (not member.isreg() or member.issparse()):
                    raise ArchiveUnsafeError(f"{name!r} is a link or a device, not a file.")
            except ArchiveUnsafeError as refusal:
                yield entry, refusal
                continue
            if not member.isdir() and not is_clutter(name):
                yield entry, _Opened(archive, member)
    if not ended:
        raise tarfile.ReadError("it ends in the middle")


@contextmanager
def _unpacked(file: IO[bytes], start: bytes, packed_bytes: int, limits: ArchiveLimits) -> Generator[IO[bytes]]:
    if start.startswith(b"\x1f\x8b"):
        opened: Any = gzip.GzipFile(fileobj=file)
    elif start.startswith(b"BZh"):
        opened = bz2.BZ2File(file)
    elif start.startswith(b"\xfd7zXZ\0"):
        opened = lzma.LZMAFile(file)  # noqa: SIM115 (closed below)
    else:
        yield file
        return
    # Headers and padding of many small files come on top of what they hold.
    most = limits.max_total_bytes + 4096 * limits.max_items
    bomb = max(SMALL_BYTES, packed_bytes * limits.max_ratio)
    with opened:
        yield cast(IO[bytes], _Bounded(opened, int(min(most, bomb))))


class _Bounded:
    """A stream that refuses to give more than it may."""

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        self._stream = stream
        self._left = max_bytes

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ArchiveTooLargeError("The archive unpacks to far more than it holds: refused as a bomb.")
        return data
