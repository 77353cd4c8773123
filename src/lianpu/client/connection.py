"""Sends requests and reads answers: the one difference between the two clients."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import anyio
import httpx2
from pydantic_core import to_jsonable_python

from lianpu.client.credentials import REPLAYABLE
from lianpu.client.errors import UnreachableError, error_of
from lianpu.client.request import Download, EventStream, Listing, Request, as_text, given
from lianpu.client.retrying import Retrying
from lianpu.client.uploads import AsyncFileChunks, FileChunks, size_bytes

T = TypeVar("T")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Pause:
    """A step of a conversation: wait so long."""

    seconds: float


Step = Request[Any] | Pause
Conversation = Generator[Step, Any, T]
"""Several calls that make one: yields what is to be sent, is given the answers, returns the outcome."""
SILENCE_S = 300.0
"""Longest that nothing comes on a push connection: the server sends a heartbeat far more often."""
DECIDES = (httpx2.TransportError, httpx2.InvalidURL)


class Connection:
    """Blocking."""

    def __init__(self, client: httpx2.Client, retrying: Retrying) -> None:
        self.client = client
        self._retrying = retrying

    def answer(self, request: Request[T]) -> T:
        """
        Raises:
            ApiError: the server refused.
            UnreachableError: nothing answers, or no Lianpu server.
        """
        return request.answer.read(self._response(request))

    def items(self, listing: Listing[Item]) -> Iterator[Item]:
        request = listing.request
        while True:
            page, more = listing.page(self._response(request))
            yield from page
            if more is None:
                return
            request = replace(request, query={**request.query, **more})

    def talk(self, steps: Conversation[T]) -> T:
        answer: Any = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                return cast(T, end.value)
            answer = None
            if isinstance(step, Pause):
                time.sleep(step.seconds)
            else:
                answer = self.answer(step)

    def download(self, download: Download) -> Path:
        """To a file that is there once it is whole."""
        with self._streamed(download.request) as response, _written(Path(download.to)) as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
        return Path(download.to)

    def events(self, stream: EventStream[T]) -> Iterator[T]:
        """The messages of a push connection as they come, until the server ends it."""
        with self._streamed(stream.request, SILENCE_S) as response:
            for event in httpx2.EventSource(response):
                if event.data:
                    yield stream.message(event.data)

    def _response(self, request: Request[Any]) -> httpx2.Response:
        attempt = 1
        while True:
            outcome: httpx2.Response | Exception
            try:
                with ExitStack() as stack:
                    outcome = self.client.send(_built(self.client, request, stack))
            except DECIDES as error:
                outcome = error
            wait_s = self._retrying.wait_s(request, attempt, outcome)
            if wait_s is None:
                return _settled(request, outcome, self.client)
            time.sleep(wait_s)
            attempt += 1

    @contextmanager
    def _streamed(self, request: Request[Any], silence_s: float | None = None) -> Generator[httpx2.Response]:
        try:
            with ExitStack() as stack:
                response = self.client.send(_built(self.client, request, stack, silence_s), stream=True)
                stack.callback(response.close)
                if response.is_error:
                    response.read()
                    raise error_of(response)
                yield response
        except DECIDES as error:
            raise _unreachable(self.client, error) from error


class AsyncConnection:
    """For asyncio."""

    def __init__(self, client: httpx2.AsyncClient, retrying: Retrying) -> None:
        self.client = client
        self._retrying = retrying

    async def answer(self, request: Request[T]) -> T:
        """As `Connection.answer`."""
        return request.answer.read(await self._response(request))

    async def items(self, listing: Listing[Item]) -> AsyncIterator[Item]:
        request = listing.request
        while True:
            page, more = listing.page(await self._response(request))
            for item in page:
                yield item
            if more is None:
                return
            request = replace(request, query={**request.query, **more})

    async def talk(self, steps: Conversation[T]) -> T:
        answer: Any = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration as end:
                return cast(T, end.value)
            answer = None
            if isinstance(step, Pause):
                await anyio.sleep(step.seconds)
            else:
                answer = await self.answer(step)

    async def download(self, download: Download) -> Path:
        """As `Connection.download`."""
        async with self._streamed(download.request) as response:
            with _written(Path(download.to)) as file:
                async for chunk in response.aiter_bytes():
                    await asyncio.to_thread(file.write, chunk)
        return Path(download.to)

    async def events(self, stream: EventStream[T]) -> AsyncIterator[T]:
        """As `Connection.events`."""
        async with self._streamed(stream.request, SILENCE_S) as response:
            async for event in httpx2.EventSource(response):
                if event.data:
                    yield stream.message(event.data)

    async def _response(self, request: Request[Any]) -> httpx2.Response:
        attempt = 1
        while True:
            outcome: httpx2.Response | Exception
            try:
                with ExitStack() as stack:
                    outcome = await self.client.send(_built(self.client, request, stack))
            except DECIDES as error:
                outcome = error
            wait_s = self._retrying.wait_s(request, attempt, outcome)
            if wait_s is None:
                return _settled(request, outcome, self.client)
            await anyio.sleep(wait_s)
            attempt += 1

    @asynccontextmanager
    async def _streamed(self, request: Request[Any], silence_s: float | None = None) -> AsyncGenerator[httpx2.Response]:
        try:
            with ExitStack() as stack:
                response = await self.client.send(_built(self.client, request, stack, silence_s), stream=True)
                try:
                    if response.is_error:
                        await response.aread()
                        raise error_of(response)
                    yield response
                finally:
                    await response.aclose()
        except DECIDES as error:
            raise _unreachable(self.client, error) from error


def _built(
    client: httpx2.Client | httpx2.AsyncClient,
    request: Request[Any],
    opened: ExitStack,
    silence_s: float | None = None,
) -> httpx2.Request:
    """
    Args:
        opened: closes the files once the request was sent.
        silence_s: longest wait for the next part of the answer; None: the client's.

    Raises:
        OSError: a file cannot be read.
    """
    headers = {name: value for name, value in request.headers.items() if value is not None}
    content: FileChunks | AsyncFileChunks | None = None
    if request.body is not None:
        file = opened.enter_context(request.body.opened())
        content = AsyncFileChunks(file) if isinstance(client, httpx2.AsyncClient) else FileChunks(file)
        size = size_bytes(file)
        # Announced, a body that is too large is refused before it is sent.
        headers |= {} if size is None else {"Content-Length": str(size)}
    timeout = client.timeout
    if silence_s is not None:
        timeout = httpx2.Timeout(connect=timeout.connect, read=silence_s, write=timeout.write, pool=timeout.pool)
    return client.build_request(
        request.method,
        request.url,
        params={name: as_text(value) for name, value in given(request.query).items()},
        headers=headers,
        json=None if request.json is None else to_jsonable_python(request.json),
        data=None if request.form is None else {k: _form_value(v) for k, v in given(request.form).items()},
        files=[(name, (one.shown_name, opened.enter_context(one.opened()))) for name, one in request.files] or None,
        content=content,
        timeout=timeout,
        extensions={REPLAYABLE: request.is_replayable},
    )


def _form_value(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else as_text(value)


def _settled(
    request: Request[Any], outcome: httpx2.Response | Exception, client: httpx2.Client | httpx2.AsyncClient
) -> httpx2.Response:
    if isinstance(outcome, Exception):
        raise _unreachable(client, outcome) from outcome
    if outcome.is_error and outcome.status_code not in request.also_answers:
        raise error_of(outcome)
    return outcome


def _unreachable(client: httpx2.Client | httpx2.AsyncClient, error: Exception) -> UnreachableError:
    return UnreachableError(f"The server at {client.base_url} does not answer: {str(error) or type(error).__name__}.")


@contextmanager
def _written(path: Path) -> Generator[IO[bytes]]:
    partial = path.with_name(f".{path.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
