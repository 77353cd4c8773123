"""Forms with one file: to disk as it comes, with the small fields beside it, refused as soon as it is too large."""

import asyncio
import hashlib
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from lianpu.errors import (
    FieldError,
    FieldsInvalidError,
    MalformedRequestError,
    StorageError,
    UnsupportedMediaError,
    UploadTooLargeError,
)
from lianpu.http.multipart import PartHead, PartHeads
from lianpu.http.uploads import field_errors

FIELD_MAX_BYTES = 64 << 10
NAME_MAX_CHARS = 200
Fields = TypeVar("Fields", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class FileForm(Generic[Fields]):
    """The file lies where it was received."""

    name: str
    """As its sender called it; shown, and never part of a path."""
    size_bytes: int
    sha256: str
    fields: Fields


async def receive_file_form(
    content_type: str,
    parts: AsyncIterator[bytes],
    path: Path,
    model: type[Fields],
    *,
    file_field: str,
    max_bytes: int,
) -> FileForm[Fields]:
    """
    Args:
        path: of a file that is made; whoever calls clears it away.

    Raises:
        UnsupportedMediaError: the body is no multipart.
        MalformedRequestError: the multipart frame cannot be read.
        FieldsInvalidError: the file is missing or empty, or fields are missing, unknown or wrong.
        UploadTooLargeError: the file has more than `max_bytes`.
        StorageError: it cannot be written.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise UnsupportedMediaError(
            f"Send a file as the field `{file_field}` of multipart/form-data; got {content_type or 'no content type'}."
        )
    try:
        with await asyncio.to_thread(path.open, "xb") as file:
            form = _Form(file, file_field, set(model.model_fields), max_bytes)
            parser = MultipartParser(boundary, form.callbacks())  # pyright: ignore[reportArgumentType] (a TypedDict)
            async for chunk in parts:
                # A chunk at a time: short enough for a thread each, and in order.
                await asyncio.to_thread(parser.write, chunk)
            parser.finalize()
            return form.received(model)
    except FormParserError as error:
        raise MalformedRequestError(f"The multipart body cannot be read: {error}") from error
    except OSError as error:
        raise StorageError(f"The upload could not be stored: {error.strerror or error}.") from error


def file_form_body(model: type[BaseModel], *, file_field: str, description: str) -> dict[str, Any]:
    """`openapi_extra` of a route whose body `receive_file_form` reads."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})
    properties = {name: _inlined(field, definitions) for name, field in schema.get("properties", {}).items()}
    file = {"type": "string", "format": "binary", "description": description}
    body = {
        "type": "object",
        "properties": {file_field: file, **properties},
        "required": [file_field, *schema.get("required", [])],
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": body}}}}


def _inlined(field: Any, definitions: dict[str, Any]) -> Any:
    """Without references, which would point nowhere in the document."""
    if isinstance(field, dict):
        known: dict[str, Any] = field  # pyright: ignore[reportUnknownVariableType]
        if "$ref" in known:
            return definitions[known["$ref"].rpartition("/")[2]] | {k: v for k, v in known.items() if k != "$ref"}
        return {key: _inlined(value, definitions) for key, value in known.items()}
    if isinstance(field, list):
        return [_inlined(item, definitions) for item in field]  # pyright: ignore[reportUnknownVariableType]
    return field


class _Form:
    """Takes the parts of the body as the parser meets them."""

    def __init__(self, file: IO[bytes], file_field: str, known: set[str], max_bytes: int) -> None:
        self._file = file
        self._file_field = file_field
        self._known = known
        self._max_bytes = max_bytes
        self._digest = hashlib.sha256()
        self._size_bytes = 0
        self._name: str | None = None
        self._texts: dict[str, bytearray] = {}
        self._at: str | None = None
        """The text field whose content comes; None: the file."""
        self._is_complete = False

    def callbacks(self) -> dict[str, Any]:
        return {**PartHeads(self._on_head).callbacks(), "on_part_data": self._on_data, "on_end": self._on_end}

    def received(self, model: type[Fields]) -> FileForm[Fields]:
        if not self._is_complete:
            raise MalformedRequestError("The multipart body ends in the middle.")
        errors: list[FieldError] = []
        if self._name is None:
            errors.append(FieldError(self._file_field, "is required", "missing"))
        elif not self._size_bytes:
            errors.append(FieldError(self._file_field, "must not be empty", "empty"))
        try:
            texts = {name: bytes(text).decode() for name, text in self._texts.items()}
            fields = model.model_validate(texts)
        except UnicodeDecodeError as error:
            raise MalformedRequestError("A field of the form is not UTF-8.") from error
        except ValidationError as error:
            errors += field_errors(error.errors(include_url=False))
            raise _wrong(*errors) from error
        if errors:
            raise _wrong(*errors)
        return FileForm(self._name or "file", self._size_bytes, self._digest.hexdigest(), fields)

    def _on_head(self, head: PartHead) -> None:
        if head.field == self._file_field:
            if head.filename is None:
                text = "must be sent as a file part, with a filename"
                raise _wrong(FieldError(self._file_field, text, "file_expected"))
            if self._name is not None:
                raise _wrong(FieldError(self._file_field, "must be given once", "repeated"))
            self._name, self._at = shown_name(head.filename), None
            return
        if head.field not in self._known:
            known = ", ".join([self._file_field, *sorted(self._known)])
            raise _wrong(FieldError(head.field, f"unknown field; known fields: {known}", "field_unknown"))
        if head.filename is not None:
            raise _wrong(FieldError(head.field, "must be a plain form field, not a file", "file_unexpected"))
        if head.field in self._texts:
            raise _wrong(FieldError(head.field, "must be given once", "repeated"))
        self._texts[head.field], self._at = bytearray(), head.field

    def _on_data(self, body: bytes, start: int, end: int) -> None:
        data = body[start:end]
        if self._at is not None:
            self._texts[self._at] += data
            if len(self._texts[self._at]) > FIELD_MAX_BYTES:
                raise _wrong(FieldError(self._at, "is too long", "too_long"))
            return
        self._size_bytes += len(data)
        if self._size_bytes > self._max_bytes:
            raise UploadTooLargeError(f"The file is larger than the allowed {self._max_bytes:,} bytes.")
        self._digest.update(data)
        self._file.write(data)

    def _on_end(self) -> None:
        self._is_complete = True


def shown_name(filename: str) -> str:
    """The last part of a path, of either kind, without characters that cannot be shown."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in last if unicodedata.category(char)[0] != "C").strip()[-NAME_MAX_CHARS:]


def _wrong(*errors: FieldError) -> FieldsInvalidError:
    return FieldsInvalidError("The request has fields that are wrong.", errors=errors)
