"""Reads zip and tar archives of people one does not know: every name checked, every size bounded, nothing unpacked."""

import bz2
import gzip
import lzma
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from lianpu.errors import ArchiveDamagedError, ArchiveTooLargeError, ArchiveUnsafeError

SMALL_BYTES = 1 << 20
"""Below this nothing is called a bomb, however well it is compressed."""
TAR_HEADER_MAX_BYTES = 1 << 20
MEMBERS_PER_ITEM = 4
"""A folder each, and the shadow that macOS gives both: more than this is no archive of files."""
DIRECTORY_BYTES_PER_MEMBER = 256
UTF8_NAME = 0x800
UNICODE_PATH = 0x7075
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
_CLUTTER = {"thumbs.db", "desktop.ini", "__macosx"}
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


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    max_items: int
    """Files; folders and clutter may come on top, within `max_members`."""
    max_item_bytes: int
    """Of one file, unpacked."""
    max_total_bytes: int
    """Of all files together, unpacked."""
    max_ratio: float
    """Unpacked to packed size, above 1 MiB."""

    @property
    def max_members(self) -> int:
        """Everything that an archive lists; each costs memory, however small it is."""
        return self.max_items * MEMBERS_PER_ITEM


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file of an archive; folders and the clutter of operating systems are none. `name` has forward slashes, NFC."""

    name: str
    size_bytes: int


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
        for entry, _ in files:
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
            if entry.name in wanted:
                yield entry, _content(entry, opened, limits)


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


def _content(entry: ArchiveEntry, opened: _Opened, limits: ArchiveLimits) -> bytes | ArchiveDamagedError:
    try:
        data = opened.read(limits.max_item_bytes + 1)
    except (*_DAMAGE, RuntimeError) as error:
        return ArchiveDamagedError(f"{entry.name!r} cannot be unpacked: {error}")
    if len(data) != entry.size_bytes:
        return ArchiveDamagedError(f"{entry.name!r} unpacks to another size than the archive says.")
    return data


@contextmanager
def _opened(path: Path, limits: ArchiveLimits) -> Generator[Iterator[tuple[ArchiveEntry, _Opened]]]:
    try:
        with path.open("rb") as file:
            start = file.read(512)
            file.seek(0)
            if start.startswith(b"PK"):
                _check_directory(file, limits)
                with zipfile.ZipFile(file) as archive:
                    yield _zip_files(archive, limits)
            else:
                with _unpacked(file, start, path.stat().st_size, limits) as stream:
                    yield _tar_files(stream, limits)
    except _DAMAGE as error:
        raise ArchiveDamagedError(f"The file is no readable zip or tar archive: {error}") from error


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


def _zip_files(archive: zipfile.ZipFile, limits: ArchiveLimits) -> Iterator[tuple[ArchiveEntry, _Opened]]:
    for member in archive.infolist():
        name = _zip_name(member)
        kind = stat.S_IFMT(member.external_attr >> 16)
        _check_name(name.removesuffix("/"))
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise ArchiveUnsafeError(f"{name!r} is a link or a device, not a file.")
        if member.flag_bits & ENCRYPTED:
            raise ArchiveUnsafeError(f"{name!r} is encrypted.")
        if member.compress_type not in _COMPRESSIONS:
            raise ArchiveUnsafeError(f"{name!r} is compressed in a way that is not known here.")
        if member.file_size > max(SMALL_BYTES, member.compress_size * limits.max_ratio):
            raise ArchiveTooLargeError(f"{name!r} unpacks to {member.file_size:,} bytes: refused as a bomb.")
        if not name.endswith("/") and not _is_clutter(name):
            yield ArchiveEntry(name, member.file_size), _Opened(archive, member)


def _zip_name(member: zipfile.ZipInfo) -> str:
    # `filename` is cut at NUL and has Windows' backslashes turned, which hides what was meant.
    name = member.orig_filename
    if not member.flag_bits & UTF8_NAME:
        raw = name.encode("cp437")
        name = _unicode_path(member.extra, raw) or _meant(raw)
    return unicodedata.normalize("NFC", name)


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in UTF-8 that Info-ZIP and others put beside one of the old kind (APPNOTE 4.6.9)."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and len(field) > 5 and struct.unpack_from("<BI", field) == (1, zlib.crc32(raw)):
            return field[5:].decode("utf-8")
    return None


def _meant(raw: bytes) -> str:
    """Names that do not say their encoding are of the machine that packed them: UTF-8, a Chinese Windows, or DOS."""
    for encoding in ("utf-8", "gbk"):
        try:
            name = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or all(char.isascii() or "\u4e00" <= char <= "\u9fff" for char in name):
            return name
    return raw.decode("cp437")


def _tar_files(stream: IO[bytes], limits: ArchiveLimits) -> Iterator[tuple[ArchiveEntry, _Opened]]:
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
            name = unicodedata.normalize("NFC", _tar_name(member))
            _check_name(name.removeprefix("./").removesuffix("/"))
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise ArchiveUnsafeError(f"{name!r} is a link or a device, not a file.")
            if not _is_clutter(name):
                yield ArchiveEntry(name.removeprefix("./"), member.size), _Opened(archive, member)
    if not ended:
        raise tarfile.ReadError("it ends in the middle")


def _tar_name(member: tarfile.TarInfo) -> str:
    try:
        member.name.encode()
    except UnicodeEncodeError:
        return _meant(member.name.encode("utf-8", "surrogateescape"))
    return member.name


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


def _check_name(name: str) -> None:
    parts = name.split("/")
    if (
        name.startswith("/")
        or any(part in {"", ".", ".."} for part in parts)
        or any(unicodedata.category(char) == "Cc" or char == "\\" for char in name)
        or (name[1:2] == ":" and name[0].isascii() and name[0].isalpha())
    ):
        raise ArchiveUnsafeError(f"The archive holds an unsafe name: {name!r}.")


def _is_clutter(name: str) -> bool:
    return any(part.startswith(".") or part.lower() in _CLUTTER for part in name.removeprefix("./").split("/"))
