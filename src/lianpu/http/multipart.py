"""What stands before each part of a multipart body that is parsed as it arrives (RFC 7578)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from python_multipart.multipart import parse_options_header

from lianpu.errors import MalformedRequestError

HEADERS_MAX_BYTES = 16 << 10


@dataclass(frozen=True, slots=True)
class PartHead:
    field: str
    filename: str | None
    """As the client called the file; None: the part is no file."""


class PartHeads:
    """Collects the headers of the parts from the callbacks of `python_multipart.MultipartParser`."""

    def __init__(self, on_head: Callable[[PartHead], None]) -> None:
        self._on_head = on_head
        self._name, self._value = bytearray(), bytearray()
        self._disposition = b""

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
        }

    def _on_part_begin(self) -> None:
        self._disposition = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        _append(self._name, data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        _append(self._value, data[start:end])

    def _on_header_end(self) -> None:
        if bytes(self._name).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._name, self._value = bytearray(), bytearray()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        filename = options.get(b"filename")
        shown = None if filename is None else filename.decode("utf-8", "replace")
        self._on_head(PartHead(options.get(b"name", b"").decode("utf-8", "replace"), shown))


def _append(text: bytearray, data: bytes) -> None:
    text += data
    if len(text) > HEADERS_MAX_BYTES:
        raise MalformedRequestError("A header of the multipart body is too long.")
