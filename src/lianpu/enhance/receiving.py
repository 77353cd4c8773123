"""Receives one file and the fields of a multipart body into memory alone: bounded as it arrives, erased if refused."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from lianpu.enhance.schemas import EnhanceFields
from lianpu.errors import (
    FieldError,
    FieldsInvalidError,
    MalformedRequestError,
    UnsupportedMediaError,
    UploadTooLargeError,
)
from lianpu.http.multipart import PartHead, PartHeads
from lianpu.http.uploads import field_errors
from lianpu.storage.erasure import ErasableBuffer

PHOTO, ARCHIVE = "image", "archive"
FIELD_MAX_BYTES = 1024
FRAME_MAX_BYTES = 64 * 1024
"""What the body is larger than its file."""


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    name: str
    """As the client called it, whatever that is."""
    content: ErasableBuffer
    fields: EnhanceFields


async def receive_file(
    field: str, headers: Mapping[str, str], parts: AsyncIterator[bytes], *, max_bytes: int, is_cut: bool = False
) -> ReceivedFile:
    """
    Args:
        field: of the file.
        is_cut: what is more than `max_bytes` is passed over instead of refused.

    Raises:
        UnsupportedMediaError: the body is no multipart.
        MalformedRequestError: the multipart frame cannot be read.
        FieldsInvalidError: there is not exactly one file, or a field is unknown, given twice or wrong.
        UploadTooLargeError: the file has more than `max_bytes`.
    """
    content_type = headers.get("content-type", "")
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise UnsupportedMediaError(
            f"Send the file as the field `{field}` of multipart/form-data; got {content_type or 'no content type'}."
        )
    announced = headers.get("content-length", "")
    expected_bytes = min(int(announced), max_bytes) if announced.isdecimal() else 0
    form = _Form(field, ErasableBuffer(expected_bytes), max_bytes, is_cut=is_cut)
    try:
        parser = MultipartParser(boundary, form.callbacks())  # pyright: ignore[reportArgumentType] (a TypedDict)
        async for chunk in parts:
            parser.write(chunk)
        parser.finalize()
        return form.received()
    except FormParserError as error:
        form.content.erase()
        raise MalformedRequestError(f"The multipart body cannot be read: {error}") from error
    except BaseException:
        form.content.erase()
        raise


class _Form:
    """Takes the parts of the body as the parser meets them."""

    def __init__(self, field: str, content: ErasableBuffer, max_bytes: int, *, is_cut: bool) -> None:
        self._field = field
        self.content = content
        self._max_bytes = max_bytes
        self._is_cut = is_cut
        self._name: str | None = None
        self._fields: dict[str, bytearray] = {}
        self._current: bytearray | None = None
        """Of the field whose part is being read; None: it is the file's."""
        self._is_complete = False

    def callbacks(self) -> dict[str, Any]:
        return {**PartHeads(self._on_head).callbacks(), "on_part_data": self._on_data, "on_end": self._on_end}

    def received(self) -> ReceivedFile:
        if not self._is_complete:
            raise MalformedRequestError("The multipart body ends in the middle.")
        if self._name is None:
            raise _wrong(self._field, "is required", "missing")
        values = {name: value.decode("utf-8", "replace") for name, value in self._fields.items()}
        try:
            fields = EnhanceFields.model_validate(values)
        except ValidationError as error:
            errors = field_errors(error.errors(include_url=False))
            raise FieldsInvalidError("The request has fields that are wrong.", errors=errors) from error
        return ReceivedFile(self._name, self.content, fields)

    def _on_head(self, head: PartHead) -> None:
        if head.field == self._field:
            if head.filename is None:
                raise _wrong(self._field, "must be sent as a file part, with a filename", "file_expected")
            if self._name is not None:
                raise _wrong(self._field, "must be given once", "repeated")
            self._name, self._current = head.filename, None
        elif head.field not in EnhanceFields.model_fields:
            known = ", ".join([self._field, *EnhanceFields.model_fields])
            raise _wrong(head.field, f"unknown field; known fields: {known}", "field_unknown")
        elif head.filename is not None:
            raise _wrong(head.field, "must be a plain form field, not a file", "file_unexpected")
        elif head.field in self._fields:
            raise _wrong(head.field, "must be given once", "repeated")
        else:
            self._fields[head.field] = self._current = bytearray()

    def _on_data(self, body: bytes, start: int, end: int) -> None:
        if self._current is not None:
            self._current += body[start:end]
            if len(self._current) > FIELD_MAX_BYTES:
                raise MalformedRequestError("A field of the multipart body is too long.")
            return
        room = self._max_bytes - len(self.content)
        if end - start > room and not self._is_cut:
            raise UploadTooLargeError(f"The file is larger than the allowed {self._max_bytes:,} bytes.")
        self.content.append(memoryview(body)[start : min(end, start + room)])

    def _on_end(self) -> None:
        self._is_complete = True


def form_body(field: str, fields: type[BaseModel], description: str) -> dict[str, Any]:
    """`openapi_extra` of a route whose body `receive_file` reads."""
    schema = fields.model_json_schema(ref_template="#/components/schemas/{model}")
    properties = {name: _flat(value, schema.get("$defs", {})) for name, value in schema["properties"].items()}
    file = {"type": "string", "format": "binary", "description": description}
    form = {
        "type": "object",
        "properties": {field: file, **properties},
        "required": [field],
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}}


def _flat(value: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Without references: the form is no schema of the document's own."""
    name = value.get("$ref", "").rpartition("/")[2]
    return {**definitions[name], **{key: item for key, item in value.items() if key != "$ref"}} if name else value


def _wrong(name: str, message: str, code: str) -> FieldsInvalidError:
    return FieldsInvalidError("The request has fields that are wrong.", errors=[FieldError(name, message, code)])
