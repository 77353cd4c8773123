"""Every call is described once: on a blocking client its method returns the answer, on an async one it is awaited."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from lianpu.client.connection import AsyncConnection, Connection, Conversation
from lianpu.client.request import Download, EventStream, Listing, Request

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")


class Blocking:
    """A group of calls of `Lianpu`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection


class Awaited:
    """The same group of calls of `AsyncLianpu`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection


class Operation(Generic[P, T]):
    """One request, one answer."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Request[T]]) -> None:
        self.describe = describe

    @overload
    def __get__(self, group: None, owner: type) -> Self: ...
    @overload
    def __get__(self, group: Blocking, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, group: Awaited, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, group: Blocking | Awaited | None, owner: type) -> Any:
        if group is None:
            return self

        @wraps(self.describe)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return group.connection.answer(self.describe(group, *args, **kwargs))

        return call


class ListingOperation(Generic[P, Item]):
    """All items of a list, page after page as they are asked for."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Listing[Item]]) -> None:
        self.describe = describe

    @overload
    def __get__(self, group: None, owner: type) -> Self: ...
    @overload
    def __get__(self, group: Blocking, owner: type) -> Callable[P, Iterator[Item]]: ...
    @overload
    def __get__(self, group: Awaited, owner: type) -> Callable[P, AsyncIterator[Item]]: ...
    def __get__(self, group: Blocking | Awaited | None, owner: type) -> Any:
        if group is None:
            return self

        @wraps(self.describe)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return group.connection.items(self.describe(group, *args, **kwargs))

        return call


class ConversationOperation(Generic[P, T]):
    """Several requests that make one call."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Conversation[T]]) -> None:
        self.describe = describe

    @overload
    def __get__(self, group: None, owner: type) -> Self: ...
    @overload
    def __get__(self, group: Blocking, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, group: Awaited, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, group: Blocking | Awaited | None, owner: type) -> Any:
        if group is None:
            return self

        @wraps(self.describe)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return group.connection.talk(self.describe(group, *args, **kwargs))

        return call


class DownloadOperation(Generic[P]):
    """An answer of any size, to a file."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Download]) -> None:
        self.describe = describe

    @overload
    def __get__(self, group: None, owner: type) -> Self: ...
    @overload
    def __get__(self, group: Blocking, owner: type) -> Callable[P, Path]: ...
    @overload
    def __get__(self, group: Awaited, owner: type) -> Callable[P, Coroutine[Any, Any, Path]]: ...
    def __get__(self, group: Blocking | Awaited | None, owner: type) -> Any:
        if group is None:
            return self

        @wraps(self.describe)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return group.connection.download(self.describe(group, *args, **kwargs))

        return call


class EventsOperation(Generic[P, T]):
    """Messages that the server pushes, as they come."""

    def __init__(self, describe: Callable[Concatenate[Any, P], EventStream[T]]) -> None:
        self.describe = describe

    @overload
    def __get__(self, group: None, owner: type) -> Self: ...
    @overload
    def __get__(self, group: Blocking, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, group: Awaited, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, group: Blocking | Awaited | None, owner: type) -> Any:
        if group is None:
            return self

        @wraps(self.describe)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return group.connection.events(self.describe(group, *args, **kwargs))

        return call


def operation(describe: Callable[Concatenate[Any, P], Request[T]]) -> Operation[P, T]:
    return Operation(describe)


def listing(describe: Callable[Concatenate[Any, P], Listing[Item]]) -> ListingOperation[P, Item]:
    return ListingOperation(describe)


def conversation(describe: Callable[Concatenate[Any, P], Conversation[T]]) -> ConversationOperation[P, T]:
    return ConversationOperation(describe)


def download(describe: Callable[Concatenate[Any, P], Download]) -> DownloadOperation[P]:
    return DownloadOperation(describe)


def event_stream(describe: Callable[Concatenate[Any, P], EventStream[T]]) -> EventsOperation[P, T]:
    return EventsOperation(describe)
