"""Requests that carry images: multipart, JSON with base64, or the raw body, read into memory within limits."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Generic, TypeVar, cast

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from lianpu.errors import (
    FieldError,
    FieldsInvalidError,
    MalformedRequestError,
    UnsupportedMediaError,
)

IMAGE_FIELD = "image"
MAX_FIELDS = 64
MAX_FIELD_BYTES = 256 * 1024

Fields = TypeVar("Fields", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ImageForm(Generic[Fields]):
    """What an image call was given: the encoded images in order, and the other fields, validated."""

    images: tuple[bytes, ...]
    fields: Fields

    @property
    def image(self) -> bytes:
        return self.images[0]


class _MemoryParser(MultiPartParser):
    """Starlette would spool parts above 1 MB to disk: faces stay in memory, the body's limit bounds them."""

    spool_max_size = 1 << 40


def image_form(
    model: type[Fields], *, images: int = 1, required: bool = True
) -> Callable[[Request], Awaitable[ImageForm[Fields]]]:
    """A dependency that reads `images` images and the fields of `model` from a request of any of the three kinds.

    Fields may also come in the query string; those of the body win. The server's body limit bounds the memory.

    Raises (in the dependency):
        MalformedRequestError: the multipart or JSON frame itself cannot be read.
        UnsupportedMediaError: the body is none of the three kinds.
        FieldsInvalidError: a field is unknown, missing or wrong, or the number of images is; names every one.
    """

    async def dependency(request: Request) -> ImageForm[Fields]:
        raw: dict[str, Any] = {}
        _collect(raw, request.query_params.multi_items())
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            files, body_fields = await _read_multipart(request)
        elif kind == "application/json":
            files, body_fields = _read_json(await request.body())
        elif kind.startswith("image/") or kind == "application/octet-stream":
            files, body_fields = [(IMAGE_FIELD, await request.body())], {}
        else:
            raise UnsupportedMediaError(
                "Send the image as multipart/form-data (field `image`), as application/json with base64 in `image`, "
                f"or as the raw body with an image/* content type; got {kind or 'no content type'}."
            )
        return _validated(model, files, raw | body_fields, images if required or files else 0)

    return dependency


def named_images(*names: str) -> Callable[[Request], Awaitable[dict[str, bytes]]]:
    """A dependency that reads one image from each of these fields: files of multipart, or base64 in JSON.

    Other fields are passed over. The server's body limit bounds the memory.

    Raises (in the dependency):
        MalformedRequestError: the multipart or JSON frame itself cannot be read.
        UnsupportedMediaError: the body is neither.
        FieldsInvalidError: an image is missing, or is no base64.
    """

    async def dependency(request: Request) -> dict[str, bytes]:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            found = dict((await _read_multipart(request))[0])
        elif kind == "application/json":
            document = _json_object(await request.body())
            found = {name: _decode_base64(document[name], name) for name in names if name in document}
        else:
            shown = kind or "no content type"
            raise UnsupportedMediaError(f"Send multipart/form-data, or application/json with base64; got {shown}.")
        missing = [FieldError(name, "is required", "missing") for name in names if name not in found]
        if missing:
            raise FieldsInvalidError("The request has fields that are wrong.", errors=missing)
        return {name: found[name] for name in names}

    return dependency


def image_body(model: type[BaseModel], *, images: int = 1, raw: bool = True) -> dict[str, Any]:
    """`openapi_extra` of a route whose body `image_form` reads."""
    schema = model.model_json_schema()
    if "$defs" in schema:
        raise TypeError(f"{model.__name__} must be flat to be shown as form fields")
    binary = {"type": "string", "format": "binary", "description": "The photo, encoded (JPEG, PNG, WebP, …)."}
    encoded = {"type": "string", "format": "byte", "description": "The photo, base64 (a data: URL is accepted)."}

    def with_image(one: dict[str, Any]) -> dict[str, Any]:
        image = one if images == 1 else {"type": "array", "items": one, "minItems": images, "maxItems": images}
        return {
            "type": "object",
            "properties": {IMAGE_FIELD: image, **schema.get("properties", {})},
            "required": [IMAGE_FIELD, *schema.get("required", [])],
            "additionalProperties": False,
        }

    content: dict[str, Any] = {
        "multipart/form-data": {"schema": with_image(binary)},
        "application/json": {"schema": with_image(encoded)},
    }
    if raw and images == 1:
        content["image/*"] = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": content}}


async def _read_multipart(request: Request) -> tuple[list[tuple[str, bytes]], dict[str, Any]]:
    parser = _MemoryParser(request.headers, request.stream(), max_fields=MAX_FIELDS, max_files=MAX_FIELDS)
    parser.max_part_size = MAX_FIELD_BYTES
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise MalformedRequestError(f"The multipart body cannot be read: {error.message}") from error
    files: list[tuple[str, bytes]] = []
    fields: dict[str, Any] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.append((name, await value.read()))
        else:
            _collect(fields, [(name, value)])
    await form.close()
    return files, fields


def _read_json(body: bytes) -> tuple[list[tuple[str, bytes]], dict[str, Any]]:
    fields = _json_object(body)
    encoded = fields.pop(IMAGE_FIELD, [])
    items = cast(list[object], encoded) if isinstance(encoded, list) else [encoded]
    return [(IMAGE_FIELD, _decode_base64(item)) for item in items], fields


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedRequestError(f"The body is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedRequestError("The body must be a JSON object.")
    return cast(dict[str, Any], document)


def _decode_base64(value: object, name: str = IMAGE_FIELD) -> bytes:
    try:
        if isinstance(value, str):
            text = value.partition(",")[2] if value.startswith("data:") else value
            return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise FieldsInvalidError(
        "The image is not valid base64.",
        errors=[FieldError(name, "must be a string of standard base64", "base64_invalid")],
    )


def _collect(fields: dict[str, Any], items: Iterable[tuple[str, Any]]) -> None:
    for name, value in items:
        if name in fields:
            earlier = fields[name]
            fields[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
        else:
            fields[name] = value


def _validated(
    model: type[Fields], files: list[tuple[str, bytes]], raw: dict[str, Any], wanted: int
) -> ImageForm[Fields]:
    known = [IMAGE_FIELD, *model.model_fields]
    errors = [_unknown_field(name, known) for name in [*raw, *(name for name, _ in files)] if name not in known]
    errors += [
        FieldError(name, "must be a plain form field, not a file", "file_unexpected")
        for name in sorted({name for name, _ in files if name in model.model_fields})
    ]
    if raw.pop(IMAGE_FIELD, None) is not None:
        errors.append(FieldError(IMAGE_FIELD, "must be sent as a file part, with a filename", "file_expected"))
    images = tuple(data for name, data in files if name == IMAGE_FIELD)
    if not errors and not images and wanted:
        errors.append(FieldError(IMAGE_FIELD, "is required", "missing"))
    elif len(images) not in {0, wanted}:
        errors.append(
            FieldError(IMAGE_FIELD, f"must be given {wanted} times, was given {len(images)} times", "image_count")
        )
    try:
        fields = model.model_validate({name: value for name, value in raw.items() if name in model.model_fields})
    except ValidationError as error:
        errors += field_errors(error.errors(include_url=False))
        raise FieldsInvalidError("The request has fields that are wrong.", errors=errors) from error
    if errors:
        raise FieldsInvalidError("The request has fields that are wrong.", errors=errors)
    return ImageForm(images, fields)


def _unknown_field(name: str, known: list[str]) -> FieldError:
    nearest = get_close_matches(name, known, n=1)
    hint = f"did you mean `{nearest[0]}`?" if nearest else f"known fields: {', '.join(known)}"
    return FieldError(name, f"unknown field; {hint}", "field_unknown")


def field_errors(items: Iterable[Any]) -> list[FieldError]:
    """Pydantic's error list as ours; `body`, `query` and `path` are left out of the field's name."""
    result: list[FieldError] = []
    for item in items:
        parts = [str(part) for part in item["loc"]]
        if parts and parts[0] in {"body", "query", "path", "header"}:
            parts = parts[1:] or parts
        result.append(FieldError(".".join(parts), item["msg"], item["type"]))
    return result
