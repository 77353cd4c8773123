"""Receives one image of a multipart body: to disk as it comes, refused by the first bytes that rule it out."""

import asyncio
import hashlib
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from lianpu.engines.image import ImageFormat, ImageLimits, image_size
from lianpu.engines.image_header import sniff_format
from lianpu.errors import (
    FieldError,
    FieldsInvalidError,
    ImageDamagedError,
    ImageEmptyError,
    ImageFormatError,
    MalformedRequestError,
    StorageError,
    UnsupportedMediaError,
    UploadTooLargeError,
)
from lianpu.http.multipart import PartHead, PartHeads
from lianpu.images.models import NAME_MAX_CHARS

FIELD = "file"
FORMATS = (ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.BMP, ImageFormat.GIF, ImageFormat.WEBP)
"""Those that every browser shows: an image is served as it came."""
SNIFF_BYTES = 32
HEADER_MAX_BYTES = 1 << 20
"""Where a header says no size within so many bytes, the whole file is looked at instead."""


@dataclass(frozen=True, slots=True)
class ReceivedImage:
    """Lies in the file that it was received into; not decoded yet."""

    name: str
    format: ImageFormat
    size_bytes: int
    sha256: str


async def receive_image(
    content_type: str, parts: AsyncIterator[bytes], path: Path, *, max_bytes: int, limits: ImageLimits
) -> ReceivedImage:
    """
    Args:
        path: of a file that is made; whoever calls clears it away.

    Raises:
        UnsupportedMediaError: the body is no multipart.
        MalformedRequestError: the multipart frame cannot be read.
        FieldsInvalidError: there is not exactly one part, the file `file`.
        ImageEmptyError, ImageFormatError: the file has no content, or one of another kind, whatever its name says.
        ImageTooLargeError: its header declares more pixels than `limits`.
        UploadTooLargeError: it has more than `max_bytes`.
        StorageError: the file cannot be written.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise UnsupportedMediaError(
            f"Send the image as the field `{FIELD}` of multipart/form-data; got {content_type or 'no content type'}."
        )
    try:
        with await asyncio.to_thread(path.open, "xb") as file:
            part = _FilePart(file, max_bytes, limits)
            parser = MultipartParser(boundary, part.callbacks())  # pyright: ignore[reportArgumentType] (a TypedDict)
            async for chunk in parts:
                # A chunk at a time: short enough for a thread each, and in order.
                await asyncio.to_thread(parser.write, chunk)
            parser.finalize()
            return part.received()
    except FormParserError as error:
        raise MalformedRequestError(f"The multipart body cannot be read: {error}") from error
    except OSError as error:
        raise StorageError(f"The upload could not be stored: {error.strerror or error}.") from error


class _FilePart:
    """Takes the parts of the body as the parser meets them."""

    def __init__(self, file: IO[bytes], max_bytes: int, limits: ImageLimits) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._limits = limits
        self._digest = hashlib.sha256()
        self._name: str | None = None
        self._format: ImageFormat | None = None
        self._size_bytes = 0
        self._beginning: bytearray | None = bytearray()
        """Until the header is understood."""
        self._look_at = SNIFF_BYTES
        self._is_complete = False

    def callbacks(self) -> dict[str, Any]:
        return {
            **PartHeads(self._on_head).callbacks(),
            "on_part_data": self._on_data,
            "on_end": self._on_end,
        }

    def received(self) -> ReceivedImage:
        if not self._is_complete:
            raise MalformedRequestError("The multipart body ends in the middle.")
        if self._name is None:
            raise _wrong(FIELD, "is required", "missing")
        if not self._size_bytes:
            raise ImageEmptyError("The file is empty (0 bytes).")
        if self._format is None:
            self._format = _format_of(bytes(self._beginning or b""))
        name = self._name or f"image.{self._format}"
        return ReceivedImage(name, self._format, self._size_bytes, self._digest.hexdigest())

    def _on_head(self, head: PartHead) -> None:
        if head.field != FIELD:
            raise _wrong(head.field, f"unknown field; the image is sent as `{FIELD}`", "field_unknown")
        if head.filename is None:
            raise _wrong(FIELD, "must be sent as a file part, with a filename", "file_expected")
        if self._name is not None:
            raise _wrong(FIELD, "must be given once", "repeated")
        self._name = shown_name(head.filename)

    def _on_data(self, body: bytes, start: int, end: int) -> None:
        data = body[start:end]
        self._size_bytes += len(data)
        if self._size_bytes > self._max_bytes:
            raise UploadTooLargeError(f"The image is larger than the allowed {self._max_bytes:,} bytes.")
        self._digest.update(data)
        self._file.write(data)
        if self._beginning is not None:
            self._beginning += data
            if len(self._beginning) >= self._look_at:
                self._look(bytes(self._beginning))

    def _look(self, beginning: bytes) -> None:
        self._format = _format_of(beginning)
        try:
            image_size(beginning, self._limits)
        except ImageDamagedError:  # as far as it is here
            self._look_at = 2 * len(beginning)
            if self._look_at <= HEADER_MAX_BYTES:
                return
        self._beginning = None

    def _on_end(self) -> None:
        self._is_complete = True


def shown_name(filename: str) -> str:
    """The last part of a path, of either kind, without characters that cannot be shown."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    shown = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip()
    return shown[-NAME_MAX_CHARS:]


def _format_of(beginning: bytes) -> ImageFormat:
    image_format = sniff_format(beginning)
    if image_format is None or image_format not in FORMATS:
        what = f"is {image_format.name}" if image_format else "is no image"
        names = ", ".join(known.name for known in FORMATS)
        raise ImageFormatError(f"The content {what}; images are stored as {names}.")
    return image_format


def _wrong(name: str, message: str, code: str) -> FieldsInvalidError:
    return FieldsInvalidError("The request has fields that are wrong.", errors=[FieldError(name, message, code)])
