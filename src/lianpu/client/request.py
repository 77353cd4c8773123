"""What one call asks of the server, as plain values that either client can send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Final, Generic, Protocol, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import TypeAdapter, ValidationError

from lianpu.client.errors import UnreachableError
from lianpu.client.uploads import Target, Upload

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Item = TypeVar("Item")


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""An argument that was not given, where None means something: `threshold=None` takes a threshold away."""


class Answer(Protocol[T_co]):
    """How the body of a good answer is read."""

    def read(self, response: httpx2.Response) -> T_co: ...


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@dataclass(frozen=True, slots=True)
class Json(Generic[T]):
    """A JSON document, or one field of it."""

    kind: type[T]
    field: str | None = None

    def read(self, response: httpx2.Response) -> T:
        """
        Raises:
            UnreachableError: the answer is none of a Lianpu server that this client knows.
        """
        try:
            document = response.json()
            value: T = _adapter(self.kind).validate_python(document if self.field is None else document[self.field])
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise UnreachableError(f"The answer of {response.url} is none that this client knows: {error}") from error
        return value


@dataclass(frozen=True, slots=True)
class Nullable(Generic[T]):
    """One field of a JSON document, which may be null."""

    kind: type[T]
    field: str

    def read(self, response: httpx2.Response) -> T | None:
        """
        Raises:
            UnreachableError: as `Json.read`.
        """
        return None if Json(object, self.field).read(response) is None else Json(self.kind, self.field).read(response)


class Nothing:
    """An answer without a body."""

    def read(self, response: httpx2.Response) -> None:
        del response


class Content:
    """A picture, or another file that fits into memory."""

    def read(self, response: httpx2.Response) -> bytes:
        return response.content


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One call. Values that are None or `UNSET` are not sent."""

    method: str
    route: str
    """The path as the API documents it, with `{names}`."""
    answer: Answer[T]
    path: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    headers: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    json: Mapping[str, Any] | None = None
    form: Mapping[str, Any] | None = None
    files: Sequence[tuple[str, Upload]] = ()
    body: Upload | None = None
    """The whole body, of the content type that `headers` say."""
    also_answers: frozenset[int] = frozenset()
    """Statuses from 400 on that are no refusals here."""
    is_safe_to_repeat: bool | None = None
    """Whether asking twice does no more than asking once; None: as the method says."""

    @property
    def url(self) -> str:
        return self.route.format(**{name: quote(value, safe="") for name, value in self.path.items()})

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent again: asking twice must do no harm, and what is sent must still be there."""
        is_safe = self.method in {"GET", "PUT", "DELETE"} if self.is_safe_to_repeat is None else self.is_safe_to_repeat
        return is_safe and self.is_replayable

    @property
    def is_replayable(self) -> bool:
        """Whether what is sent can be sent again."""
        uploads = [upload for _, upload in self.files] + ([] if self.body is None else [self.body])
        return all(upload.is_repeatable for upload in uploads)


@dataclass(frozen=True, slots=True)
class Download:
    """A call whose answer goes to a file, however large it is."""

    request: Request[bytes]
    to: Target


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """A list that comes page by page: a cursor leads on, or numbers of items that are passed over do."""

    request: Request[tuple[Item, ...]]
    by_number: bool = False

    def page(self, response: httpx2.Response) -> tuple[tuple[Item, ...], dict[str, Any] | None]:
        """The items of a page, and what the query of the next one has more; None: there is none.

        Raises:
            UnreachableError: as `Json.read`.
        """
        items = self.request.answer.read(response)
        document = response.json()
        if not self.by_number:
            cursor = document["next_cursor"]
            return items, None if cursor is None else {"cursor": cursor}
        passed = document["skip"] + len(items)
        return items, {"skip": passed} if items and passed < document["total"] else None


@dataclass(frozen=True, slots=True)
class EventStream(Generic[T]):
    """A call whose answer does not end: messages come as they happen."""

    request: Request[None]
    kind: type[T]

    def message(self, text: str) -> T:
        """
        Raises:
            UnreachableError: no message that this client knows.
        """
        try:
            message: T = _adapter(self.kind).validate_json(text)
        except ValidationError as error:
            raise UnreachableError(
                f"A message of {self.request.url} is none that this client knows: {error}"
            ) from error
        return message


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what was not given: None and `UNSET`."""
    return {name: value for name, value in values.items() if value is not None and value is not UNSET}


def said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without `UNSET` alone: None is sent as null."""
    return {name: value for name, value in values.items() if value is not UNSET}


def as_text(value: Any) -> Any:
    """A value of a query or form: lists stay lists, which repeat the field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        items: Sequence[Any] = value  # pyright: ignore[reportUnknownVariableType]
        return [as_text(item) for item in items]
    return str(value)
