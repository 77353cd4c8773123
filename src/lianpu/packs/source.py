"""Where a pack is imported from, a folder or a zip archive, read as if it could be hostile."""

import hashlib
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from lianpu.errors import PackDamagedError, PackInvalidError

_CHUNK_BYTES = 1 << 20
_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """What an import may take."""

    file_bytes: int = 2 << 30
    total_bytes: int = 4 << 30
    files: int = 1000
    ratio: int = 50
    """Unpacked over packed bytes, above the first 10 MB: weights hardly compress, bombs do."""


DEFAULT_LIMITS = SourceLimits()


@dataclass(frozen=True, slots=True)
class CopiedFile:
    sha256: str
    size_bytes: int


class PackSource:
    """The files of a folder or zip, by their paths inside it; a lone folder around all of them is left away."""

    def __init__(
        self, origin: str, openers: dict[str, Callable[[], BinaryIO]], limits: SourceLimits = DEFAULT_LIMITS
    ) -> None:
        self.origin = origin
        self._limits = limits
        self._copied_bytes = 0
        prefix = _lone_folder(openers)
        self._openers = {path.removeprefix(prefix): opener for path, opener in openers.items()}

    @property
    def paths(self) -> list[str]:
        """Relative paths with forward slashes, sorted."""
        return sorted(self._openers)

    def add(self, file: Path) -> str:
        """Take a file from elsewhere in, under its own name, which is returned.

        Raises:
            PackInvalidError: another file has that name.
        """
        if file.name in self._openers:
            raise PackInvalidError(f"{self.origin} has a file {file.name} of its own; rename the one given")
        self._openers[file.name] = _file_opener(file)
        return file.name

    def read_text(self, path: str, *, max_bytes: int = 1_000_000) -> str:
        """A small text file.

        Raises:
            PackInvalidError: it is larger, or no UTF-8.
        """
        with self._reading(path) as stream:
            content = stream.read(max_bytes + 1)
        if len(content) > max_bytes:
            raise PackInvalidError(f"{self.origin}: {path} is too large")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise PackInvalidError(f"{self.origin}: {path} is not UTF-8 text") from error

    def copy(self, path: str, target: Path) -> CopiedFile:
        """Copy one file to a path that does not exist yet, and digest it on the way.

        Raises:
            PackInvalidError: there is no such file, or it exceeds the limits.
            PackDamagedError: it cannot be read to its end.
        """
        digest, size_bytes = hashlib.sha256(), 0
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._reading(path) as stream, target.open("xb") as output:
            while chunk := stream.read(_CHUNK_BYTES):
                size_bytes += len(chunk)
                self._copied_bytes += len(chunk)
                if size_bytes > self._limits.file_bytes or self._copied_bytes > self._limits.total_bytes:
                    raise PackInvalidError(f"{self.origin}: {path} is larger than an import may be")
                digest.update(chunk)
                output.write(chunk)
        return CopiedFile(digest.hexdigest(), size_bytes)

    @contextmanager
    def _reading(self, path: str) -> Generator[BinaryIO]:
        opener = self._openers.get(path)
        if opener is None:
            raise PackInvalidError(f"{self.origin} has no file {path}")
        try:
            stream = opener()
        except OSError as error:
            raise PackInvalidError(f"{self.origin}: {path} cannot be read: {error.strerror}") from error
        except zipfile.BadZipFile as error:
            raise PackDamagedError(f"{self.origin}: {path} is damaged: {error}") from error
        try:
            with stream:
                yield stream
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise PackDamagedError(f"{self.origin}: {path} is damaged: {error}") from error


@contextmanager
def open_source(source: Path, limits: SourceLimits = DEFAULT_LIMITS) -> Generator[PackSource]:
    """A folder or a zip archive as a source; a lone `.onnx` file counts as a folder that holds it.

    Raises:
        PackInvalidError: it does not exist, is neither, holds unsafe paths or links, or exceeds the limits.
        PackDamagedError: the archive cannot be read.
    """
    if source.is_dir():
        try:
            files = _folder_files(source, limits)
        except OSError as error:
            raise PackInvalidError(f"{source} cannot be read: {error.strerror}") from error
        yield PackSource(source.resolve().name, files, limits)
    elif not source.is_file():
        raise PackInvalidError(f"There is no file or folder {source}")
    elif not os.access(source, os.R_OK):
        raise PackInvalidError(f"{source} cannot be read: permission denied")
    elif zipfile.is_zipfile(source):
        try:
            with zipfile.ZipFile(source) as archive:
                yield PackSource(source.name, _zip_files(archive, source.name, limits), limits)
        except zipfile.BadZipFile as error:
            raise PackDamagedError(f"{source.name} is a damaged zip archive: {error}") from error
    elif source.suffix.lower() == ".onnx":
        yield PackSource(source.name, {source.name: _file_opener(source)}, limits)
    elif source.suffix.lower() == ".zip":
        raise PackDamagedError(f"{source.name} is no zip archive, or was cut short")
    else:
        raise PackInvalidError(f"{source.name} is neither a folder, a zip archive nor an ONNX file")


def _folder_files(folder: Path, limits: SourceLimits) -> dict[str, Callable[[], BinaryIO]]:
    root = folder.resolve()
    openers: dict[str, Callable[[], BinaryIO]] = {}
    pending = [folder]
    while pending:
        for entry in sorted(pending.pop().iterdir()):
            relative = entry.relative_to(folder)
            if entry.name.startswith("."):
                continue
            if not entry.resolve().is_relative_to(root):
                raise PackInvalidError(f"{folder.name}: {relative.as_posix()} is a link that leads out of the folder")
            if entry.is_dir() and not entry.is_symlink():
                if len(relative.parts) < _MAX_DEPTH:
                    pending.append(entry)
            elif entry.is_file():
                openers[relative.as_posix()] = _file_opener(entry)
                _check_count(folder.name, len(openers), limits)
    return openers


def _zip_files(archive: zipfile.ZipFile, origin: str, limits: SourceLimits) -> dict[str, Callable[[], BinaryIO]]:
    entries = archive.infolist()
    _check_count(origin, len(entries), limits)
    openers: dict[str, Callable[[], BinaryIO]] = {}
    total_bytes = 0
    for entry in entries:
        _check_entry(entry, origin)
        total_bytes += entry.file_size
        if entry.file_size > max(10_000_000, entry.compress_size * limits.ratio):
            raise PackInvalidError(f"{origin}: {entry.filename} unpacks to {entry.file_size} bytes; refused as a bomb")
        if entry.file_size > limits.file_bytes or total_bytes > limits.total_bytes:
            raise PackInvalidError(f"{origin} unpacks to more than an import may take")
        hidden = any(part.startswith((".", "__MACOSX")) for part in entry.filename.split("/"))
        if entry.is_dir() or hidden:
            continue
        if entry.filename in openers:
            raise PackInvalidError(f"{origin} holds {entry.filename} twice")
        openers[entry.filename] = _entry_opener(archive, entry)
    return openers


def _check_entry(entry: zipfile.ZipInfo, origin: str) -> None:
    name = entry.filename
    parts = name.removesuffix("/").split("/")
    # orig_filename: zipfile cuts names at NUL and turns Windows' backslashes, which hides what was meant.
    if (
        any(part in {"", ".", ".."} for part in parts)
        or ":" in name
        or any(character in entry.orig_filename for character in "\\\0")
    ):
        raise PackInvalidError(f"{origin} holds an unsafe path: {entry.orig_filename!r}")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise PackInvalidError(f"{origin}: {name} is a link or a device, not a file")
    if entry.flag_bits & 0x1:
        raise PackInvalidError(f"{origin}: {name} is encrypted")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise PackInvalidError(f"{origin}: {name} is compressed in a way other than deflate")


def _check_count(origin: str, count: int, limits: SourceLimits) -> None:
    if count > limits.files:
        raise PackInvalidError(f"{origin} holds more than {limits.files} files; a pack has a handful")


def _file_opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb")


def _entry_opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast(BinaryIO, archive.open(entry))


def _lone_folder(paths: dict[str, Callable[[], BinaryIO]]) -> str:
    """`antelopev2/` where everything lies in that one folder, else nothing."""
    first = {path.split("/")[0] for path in paths}
    if len(first) != 1 or any("/" not in path for path in paths):
        return ""
    return first.pop() + "/"
