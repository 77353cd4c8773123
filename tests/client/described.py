"""Every call of the SDK, described with a value for each of its parameters."""

import inspect
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lianpu.client import blocking
from lianpu.client.operation import (
    Blocking,
    ConversationOperation,
    DownloadOperation,
    EventsOperation,
    ListingOperation,
    Operation,
)
from lianpu.client.request import Download, EventStream, Listing, Request
from lianpu.client.uploads import Source

KINDS = (Operation, ListingOperation, DownloadOperation, EventsOperation)


@dataclass(frozen=True)
class Call:
    name: str
    request: Request[Any]
    described: object
    """What the method returns: the request itself, or what holds it."""


def groups() -> dict[str, type]:
    """Groups of calls by attribute of the client; `` is the client itself."""
    client = blocking.Lianpu("http://127.0.0.1:1", api_key="k")
    client.close()
    found = {name: type(value) for name, value in vars(client).items() if isinstance(value, Blocking)}
    return {"": blocking.Lianpu, **found}


def members(group: type) -> Iterator[tuple[str, Any]]:
    for name in dir(group):
        member = inspect.getattr_static(group, name)
        if isinstance(member, (*KINDS, ConversationOperation)):
            yield name, member


def calls() -> list[Call]:
    found: list[Call] = []
    for attribute, group in groups().items():
        for name, member in members(group):
            if not isinstance(member, ConversationOperation):
                described = member.describe(None, **arguments(member.describe))
                held = isinstance(described, Download | EventStream | Listing)
                found.append(
                    Call(f"{attribute}.{name}".lstrip("."), described.request if held else described, described)
                )
    return found


def arguments(function: Any) -> dict[str, Any]:
    """A value for every parameter."""
    hints = typing.get_type_hints(function)
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    return {name: sample(hints[name]) for name in names}


def sample(hint: Any) -> Any:
    if hint == Source:
        return b"photo"
    origin = typing.get_origin(hint)
    if origin in {types.UnionType, typing.Union}:
        # `Source | None` is one flat union.
        kinds = typing.get_args(hint)
        return b"photo" if bytes in kinds else sample(kinds[0])
    if origin is typing.Literal:
        return typing.get_args(hint)[0]
    if origin is Sequence:
        return [sample(typing.get_args(hint)[0])]
    if origin is Mapping:
        return {"k": sample(typing.get_args(hint)[1])}
    samples = {str: "x", int: 1, float: 0.5, bool: True, datetime: datetime(2027, 1, 1, tzinfo=UTC), Path: Path("x")}
    return "value" if hint is Any else samples[hint]
