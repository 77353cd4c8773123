"""Posts one message to one checked address: no redirect is followed, and nothing takes longer than it may."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httpcore2

import lianpu
from lianpu.errors import WebhookRefusedError
from lianpu.streams.addresses import Resolve
from lianpu.streams.delivery.webhooks.addresses import Destination, PostRules, checked_destination

CONNECT_S = 5.0
READ_MAX_BYTES = 16 * 1024
"""Of an answer: whoever says more is not listened to."""
RESOLVERS = 16
GONE = 410
_CAN_WAIT = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class PostResult:
    status: int | None
    """HTTP; None: there was no answer."""
    error: str | None
    """For people; None: it was delivered."""
    duration_ms: float
    retry_after_s: float | None = None
    """What the receiver asks for."""

    @property
    def is_gone(self) -> bool:
        """The receiver says that it will never want anything again."""
        return self.status == GONE


class WebhookPoster:
    """Lives on one event loop."""

    def __init__(self, rules: PostRules, *, timeout_s: float, resolve: Resolve | None = None) -> None:
        """
        Args:
            timeout_s: of everything together: resolving, connecting, sending and the answer.
        """
        self._rules = rules
        self._timeout_s = timeout_s
        self._resolve = resolve
        self._tls = httpcore2.default_ssl_context()
        # Of its own: a name server that does not answer would hold up the threads that others need.
        self._resolvers = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="webhook-resolver")

    async def checked(self, url: str) -> Destination:
        """
        Raises:
            WebhookRefusedError: nothing may be posted there.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._resolvers, checked_destination, url, self._rules, self._resolve)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> PostResult:
        """Whatever goes wrong is in the result."""
        begun_s = time.monotonic()
        status: int | None = None
        retry_after_s: float | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._posted(await self.checked(url), body, headers)
            status, retry_after_s = answer
            error = _error_of(status)
        except TimeoutError:
            error = f"There was no answer within {self._timeout_s:g} s."
        except WebhookRefusedError as refusal:
            error = refusal.detail
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, OSError) as failure:
            error = f"It cannot be reached: {str(failure).rstrip('.') or type(failure).__name__}."
        return PostResult(status, error, 1000 * (time.monotonic() - begun_s), retry_after_s)

    def close(self) -> None:
        self._resolvers.shutdown(wait=False, cancel_futures=True)

    async def _posted(
        self, destination: Destination, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, float | None]:
        """Status, and after how many seconds the receiver wants to be asked again."""
        sent: dict[bytes | str, bytes | str] = {
            "Host": urlsplit(destination.url).netloc,
            "User-Agent": f"Lianpu/{lianpu.__version__}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "Connection": "close",
            **headers,
        }
        timeouts = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout_s)
        # One connection a post: a name is looked up and checked anew each time.
        backend = _PinnedBackend(destination)
        async with httpcore2.AsyncConnectionPool(ssl_context=self._tls, network_backend=backend) as pool:
            request = httpcore2.Request(
                "POST", destination.url, headers=sent, content=body, extensions={"timeout": timeouts}
            )
            answer = await pool.handle_async_request(request)
            try:
                await _drain(cast(AsyncIterator[bytes], answer.stream))
            finally:
                await answer.aclose()
        return answer.status, _retry_after_s(answer)


class _PinnedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to the addresses that were checked, whatever the name stands for by now."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._inner = cast(httpcore2.AsyncNetworkBackend, httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 (the interface's own; the whole post has one)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: Exception = httpcore2.ConnectError("there is no address")
        if (host.strip("[]").rstrip(".").lower(), port) == (self._destination.host, self._destination.port):
            for address in self._destination.ip_addresses:
                try:
                    return await self._inner.connect_tcp(
                        address, port, CONNECT_S, local_address=local_address, socket_options=socket_options
                    )
                except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                    failure = error
        raise failure


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    read = 0
    async for chunk in chunks:
        read += len(chunk)
        if read > READ_MAX_BYTES:
            return


def _error_of(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"It answers with the status {status}: redirects are not followed."
    return f"It answers with the status {status}."


def _retry_after_s(answer: httpcore2.Response) -> float | None:
    """In its form of seconds alone; a date is taken for nothing."""
    if answer.status not in _CAN_WAIT:
        return None
    value = next((value for name, value in answer.headers if name.lower() == b"retry-after"), b"")
    return float(value) if value.isdigit() and len(value) < 7 else None
