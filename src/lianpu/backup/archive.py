"""The file of a backup: a tar of the manifest, the home's files, and last the digests of all of them."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import lianpu
from lianpu.backup.manifest import Manifest, read_manifest
from lianpu.backup.snapshot import DATABASE_FILE, Snapshot, is_left_out
from lianpu.errors import ArchiveDamagedError, StorageError

MANIFEST = "manifest.json"
CHECKSUMS = "checksums.sha256"
FOLDER = "home/"
MANIFEST_MAX_BYTES = 1 << 20
CHUNK_BYTES = 1 << 20
NAMES = ("utf-8", "surrogateescape")
"""Of files, as the operating system has them."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was put into a backup, or taken out of it."""

    manifest: Manifest
    files: int
    size_bytes: int


def write_backup(snapshot: Snapshot, out: BinaryIO) -> Copied:
    """Blocks.

    Raises:
        StorageError: a file cannot be read, or `out` cannot be written.
    """
    manifest = Manifest(
        product_version=lianpu.__version__,
        created_at=datetime.now(UTC),
        database=snapshot.kind,
        schema_revision=snapshot.schema_revision,
    )
    files = [(FOLDER + name, snapshot.folder / name) for name in snapshot.files]
    if snapshot.database is not None:
        files.append((FOLDER + DATABASE_FILE, snapshot.database))
    size_bytes = 0
    try:
        with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            text = manifest.model_dump_json(indent=2).encode()
            digests = {MANIFEST: _add(tar, _head(MANIFEST, len(text), 0o600), io.BytesIO(text))}
            for name, path in files:
                with path.open("rb") as file:
                    status = os.fstat(file.fileno())
                    head = _head(name, status.st_size, status.st_mode & 0o777, status.st_mtime)
                    digests[name] = _add(tar, head, file)
                    size_bytes += status.st_size
            text = "".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode(*NAMES)
            _add(tar, _head(CHECKSUMS, len(text), 0o600), io.BytesIO(text))
    except (OSError, tarfile.TarError) as error:
        raise StorageError(f"The backup cannot be written: {getattr(error, 'strerror', None) or error}.") from error
    return Copied(manifest, len(files), size_bytes)


def unpack_backup(source: BinaryIO, folder: Path) -> Copied:
    """Into a folder that is empty, where what is left behind by a refusal is the caller's to delete. Blocks.

    Raises:
        ArchiveDamagedError: it is no backup, is cut off, or something in it was changed.
        ArchiveVersionError: a newer version made it.
        StorageError: a file cannot be written.
    """
    manifest: Manifest | None = None
    digests: dict[str, str] = {}
    size_bytes = 0
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            for member, content in _members(tar):
                if manifest is None:
                    text = content.read(MANIFEST_MAX_BYTES)
                    if member.name != MANIFEST:
                        raise ArchiveDamagedError("The file is no backup of a Lianpu home.")
                    manifest = read_manifest(text)
                    digests[MANIFEST] = hashlib.sha256(text).hexdigest()
                elif member.name == CHECKSUMS:
                    _compare(content.read().decode(*NAMES), digests)
                    return Copied(manifest, len(digests) - 1, size_bytes)
                else:
                    digests[member.name] = _take(member, content, _place_of(member.name, folder))
                    size_bytes += member.size
    except (tarfile.TarError, EOFError, UnicodeDecodeError) as error:
        raise ArchiveDamagedError(f"The backup cannot be read: {error}.") from error
    except FileExistsError as error:
        raise ArchiveDamagedError(f"The backup holds {error.filename!r} twice.") from error
    except OSError as error:
        raise StorageError(f"The backup cannot be restored: {error.strerror or error}.") from error
    raise ArchiveDamagedError("The backup is cut off: its digests are missing.")


def _head(name: str, size_bytes: int, mode: int, modified_at: float = 0.0) -> tarfile.TarInfo:
    head = tarfile.TarInfo(name)
    head.size, head.mode, head.mtime = size_bytes, mode, modified_at
    return head


def _add(tar: tarfile.TarFile, head: tarfile.TarInfo, content: BinaryIO) -> str:
    """The digest of what was added: of a file that grows meanwhile, as much as it had when it was opened."""
    digest = hashlib.sha256()

    class Digested(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            chunk = content.read(size)
            digest.update(chunk)
            return chunk

    tar.addfile(head, Digested())  # pyright: ignore[reportArgumentType] (it is only read)
    return digest.hexdigest()


def _members(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, BinaryIO]]:
    for member in tar:
        content = tar.extractfile(member) if member.isreg() else None
        if content is None:
            raise ArchiveDamagedError(f"The backup holds {member.name!r}, which is no file.")
        yield member, content  # pyright: ignore[reportReturnType] (a buffered reader)


def _place_of(name: str, folder: Path) -> Path:
    inside = name.removeprefix(FOLDER)
    place = Path(os.path.normpath(folder / inside))
    first = PurePosixPath(inside).parts[:1]
    if (
        inside == name
        or not place.is_relative_to(folder)
        or place == folder
        or (is_left_out(first[0]) and inside != DATABASE_FILE)
    ):
        raise ArchiveDamagedError(f"The backup holds {name!r}, which is no file of a home.")
    return place


def _take(member: tarfile.TarInfo, content: BinaryIO, target: Path) -> str:
    digest = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Never over something: a name that stands twice is no honest one.
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, member.mode & 0o755), "wb") as file:
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    os.utime(target, (member.mtime, member.mtime))
    return digest.hexdigest()


def _compare(text: str, digests: dict[str, str]) -> None:
    told = {name: digest for digest, _, name in (line.partition("  ") for line in text.splitlines())}
    wrong = sorted(name for name in told.keys() | digests.keys() if told.get(name) != digests.get(name))
    if wrong:
        raise ArchiveDamagedError(f"The backup is damaged: {len(wrong)} of its files differ, first {wrong[0]!r}.")
