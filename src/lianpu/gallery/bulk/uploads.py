"""Receives an upload of many photos: into the job's folder, never whole in memory, never where a name leads."""

import asyncio
import hashlib
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from lianpu.errors import (
    ArchiveTooLargeError,
    ArchiveUnsafeError,
    FieldError,
    FieldsInvalidError,
    MalformedRequestError,
    StorageError,
    UnsupportedMediaError,
)
from lianpu.http.multipart import PartHead, PartHeads

UPLOAD = "upload"
"""The archive in the job's folder; photos sent one by one are put into one as well."""
ARCHIVE_FIELD, IMAGE_FIELD, MANIFEST_FIELD = "archive", "image", "manifest"
MANIFEST_FILE = "manifest"
FIELD_MAX_BYTES = 64 << 10
MANIFEST_MAX_BYTES = 32 << 20
_RAW_TYPES = frozenset(
    {
        "application/zip",
        "application/x-zip-compressed",
        "application/x-tar",
        "application/gzip",
        "application/x-gzip",
        "application/x-xz",
        "application/x-bzip2",
        "application/octet-stream",
    }
)


@dataclass
class Received:
    """What came: the archive lies in the folder as `upload`."""

    digest: str
    """SHA-256 of the body's photos and manifest, the same however the client cuts its request."""
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    manifest: bytes | None = None


async def receive(content_type: str, parts: AsyncIterator[bytes], folder: Path, *, max_item_bytes: int) -> Received:
    """
    Raises:
        UnsupportedMediaError: neither multipart nor an archive.
        MalformedRequestError: the multipart frame cannot be read.
        FieldsInvalidError: neither an archive nor images, or both.
        ArchiveTooLargeError, ArchiveUnsafeError: an image is too large, or its name is unsafe or stands twice.
        StorageError: the folder cannot be written.
    """
    kind, options = parse_options_header(content_type)
    try:
        if kind == b"multipart/form-data" and options.get(b"boundary"):
            return await _receive_multipart(options[b"boundary"], parts, folder, max_item_bytes)
        if kind.decode("latin-1") in _RAW_TYPES:
            return Received(await _write(parts, folder / UPLOAD))
    except OSError as error:
        raise StorageError(f"The upload could not be stored: {error.strerror or error}.") from error
    raise UnsupportedMediaError(
        "Send an archive (zip, tar, tar.gz) as the raw body or in the field `archive` of multipart/form-data, or "
        f"photos in fields `image`; got {content_type or 'no content type'}."
    )


async def _write(parts: AsyncIterator[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with await asyncio.to_thread(path.open, "wb") as file:
        async for part in parts:
            await asyncio.to_thread(file.write, part)
            digest.update(part)
    return digest.hexdigest()


async def _receive_multipart(
    boundary: bytes, parts: AsyncIterator[bytes], folder: Path, max_item_bytes: int
) -> Received:
    form = _Form(folder / UPLOAD, max_item_bytes)
    try:
        parser = MultipartParser(boundary, form.callbacks())  # pyright: ignore[reportArgumentType] (a TypedDict there)
        async for part in parts:
            # Writes a chunk at a time: short enough for a thread each, and in order.
            await asyncio.to_thread(parser.write, part)
        await asyncio.to_thread(parser.finalize)
        if not form.is_complete:
            raise MalformedRequestError("The multipart body ends in the middle.")
        return await asyncio.to_thread(form.received)
    except FormParserError as error:
        raise MalformedRequestError(f"The multipart body cannot be read: {error}") from error
    finally:
        form.close()


class _Form:
    """Takes the parts of a multipart body as the parser meets them."""

    def __init__(self, target: Path, max_item_bytes: int) -> None:
        self.is_complete = False
        self._target = target
        self._max_item_bytes = max_item_bytes
        self._digest = hashlib.sha256()
        self._fields: dict[str, Any] = {}
        self._manifest: bytes | None = None
        self._archive: IO[bytes] | None = None
        self._photos: zipfile.ZipFile | None = None
        self._kinds: set[str] = set()
        self._names: set[str] = set()
        self._part = ""
        self._filename: str | None = None
        self._buffer = bytearray()

    def callbacks(self) -> dict[str, Any]:
        return {
            **PartHeads(self._on_head).callbacks(),
            "on_part_data": self._on_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def received(self) -> Received:
        if len(self._kinds) != 1:
            message = "is required, unless photos are sent in `image`; and never both"
            raise FieldsInvalidError(
                "Send either one archive or photos.", errors=[FieldError(ARCHIVE_FIELD, message, "missing")]
            )
        self.close()
        return Received(self._digest.hexdigest(), self._fields, self._manifest)

    def close(self) -> None:
        for opened in (self._archive, self._photos):
            if opened is not None:
                opened.close()

    def _on_head(self, head: PartHead) -> None:
        self._buffer = bytearray()
        self._part = head.field
        self._filename = None if head.filename is None else head.filename.replace("\\", "/")
        self._kinds |= {self._part} & {ARCHIVE_FIELD, IMAGE_FIELD}
        if self._part == ARCHIVE_FIELD:
            if self._archive is not None:
                raise _wrong(ARCHIVE_FIELD, "must be given once", "repeated")
            self._archive = self._target.open("xb") if self._photos is None else None
        elif self._part == IMAGE_FIELD:
            self._begin_photo()

    def _begin_photo(self) -> None:
        name = (self._filename or "").removeprefix("./")
        if not name:
            raise _wrong(IMAGE_FIELD, "must be sent as a file part, with a filename", "file_expected")
        if any(part in {"", ".", ".."} for part in name.split("/")):
            raise ArchiveUnsafeError(f"The upload holds an unsafe name: {name!r}.")
        if name in self._names:
            raise ArchiveUnsafeError(f"The upload holds {name!r} twice.")
        self._names.add(name)
        if self._photos is None and self._archive is None:
            self._photos = zipfile.ZipFile(self._target, "x", zipfile.ZIP_STORED)

    def _on_data(self, body: bytes, start: int, end: int) -> None:
        data = body[start:end]
        if self._part == ARCHIVE_FIELD and self._archive is not None:
            self._archive.write(data)
            self._digest.update(data)
            return
        self._buffer += data
        most = {IMAGE_FIELD: self._max_item_bytes, MANIFEST_FIELD: MANIFEST_MAX_BYTES}.get(self._part, FIELD_MAX_BYTES)
        if len(self._buffer) > most:
            raise ArchiveTooLargeError(f"{self._filename or self._part!r} is larger than the allowed {most:,} bytes.")

    def _on_part_end(self) -> None:
        if self._part == IMAGE_FIELD and self._photos is not None and self._filename is not None:
            name = self._filename.removeprefix("./")
            self._photos.writestr(name, bytes(self._buffer))
            self._digest.update(f"{name}\0{len(self._buffer)}\0".encode())
            self._digest.update(self._buffer)
        elif self._part == MANIFEST_FIELD:
            self._manifest = bytes(self._buffer)
            self._digest.update(self._buffer)
        elif self._part not in {ARCHIVE_FIELD, IMAGE_FIELD}:
            _collect(self._fields, self._part, self._buffer.decode("utf-8", "replace"))

    def _on_end(self) -> None:
        self.is_complete = True


def _collect(fields: dict[str, Any], name: str, value: str) -> None:
    earlier: Any = fields.get(name)
    if earlier is None:
        fields[name] = value
    else:
        fields[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]


def _wrong(name: str, message: str, code: str) -> FieldsInvalidError:
    return FieldsInvalidError("The request has fields that are wrong.", errors=[FieldError(name, message, code)])
