"""HTTP for streams: each address, each redirect and each segment of a playlist is checked before it is connected to."""

import base64
import io
import socket
import ssl
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast
from urllib.parse import urljoin, urlsplit

import httpcore2

from lianpu.errors import SourceLostError, SourceRefusedError
from lianpu.streams.addresses import Resolve, Source, SourceKind, SourceRules, checked_source
from lianpu.streams.connecting import Connections

CONNECT_S = 8.0
READ_S = 10.0
MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class CheckedHttp:
    """Opens addresses on behalf of one stream, in its thread."""

    def __init__(self, rules: SourceRules, resolve: Resolve | None = None) -> None:
        self._rules = rules
        self._resolve = resolve
        self._backend = _PinnedBackend()
        self._pool = httpcore2.ConnectionPool(network_backend=self._backend, max_connections=4)

    def open(self, source: Source, credentials_of: Source | None = None) -> "HttpFile":
        """
        Args:
            credentials_of: whose user and password go along where `source` is of the same host and has none.

        Raises:
            SourceRefusedError: it leads to where it may not.
            SourceLostError: it cannot be read.
        """
        return HttpFile(self, source, credentials_of)

    def checked(self, address: str) -> Source:
        """
        Raises:
            SourceRefusedError: the address is none of HTTP, or may not be read from.
        """
        source = checked_source(address, self._rules, self._resolve)
        if source.kind is not SourceKind.HTTP:
            raise SourceRefusedError("A source on the web leads to something that is none.")
        return source

    def get(self, source: Source, first_byte: int, credentials_of: Source | None) -> tuple[Source, "Answer"]:
        """The answer at the end of all redirects, and where that is."""
        for _ in range(MAX_REDIRECTS + 1):
            self._backend.allow(source)
            answer = Answer(self._pool, source, first_byte, _credentials(source, credentials_of))
            if answer.status not in _REDIRECTS:
                return source, answer
            location = answer.header(b"location")
            answer.close()
            source = self.checked(urljoin(source.address, location))
        raise SourceLostError(f"More than {MAX_REDIRECTS} redirects.")

    def end(self) -> None:
        """From any thread, without waiting: all reading ends at once."""
        self._backend.connections.end()

    def close(self) -> None:
        self.end()
        with suppress(Exception):  # a pool whose sockets were shut under it complains in its own ways
            self._pool.close()


class Answer:
    """A response whose body is read as it comes."""

    def __init__(
        self, pool: httpcore2.ConnectionPool, source: Source, first_byte: int, credentials: tuple[str, str] | None
    ) -> None:
        headers: dict[bytes | str, bytes | str] = {
            "Host": urlsplit(source.address).netloc,
            "User-Agent": "Lianpu",
            "Accept": "*/*",
            "Range": f"bytes={first_byte}-",
        }
        if credentials is not None:
            headers["Authorization"] = _basic(*credentials)
        timeouts = {"connect": CONNECT_S, "read": READ_S, "write": READ_S, "pool": CONNECT_S}
        request = httpcore2.Request("GET", source.address, headers=headers, extensions={"timeout": timeouts})
        try:
            self._response = pool.handle_request(request)
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as error:
            raise SourceLostError(f"{source.shown} cannot be reached: {type(error).__name__}.") from error
        self.status = self._response.status
        self._chunks: Iterator[bytes] = iter(cast(Iterable[bytes], self._response.stream))

    def header(self, name: bytes) -> str:
        """Empty where there is none."""
        return next((value.decode("latin-1") for key, value in self._response.headers if key.lower() == name), "")

    def next_chunk(self) -> bytes:
        """Empty at the end."""
        return next(self._chunks, b"")

    def close(self) -> None:
        with suppress(Exception):  # it may be broken already, and nobody asks for it any more
            self._response.close()


class HttpFile(io.RawIOBase):
    """What a URL holds, as a file that is read from front to back, or from anywhere where its server can do that."""

    def __init__(self, http: CheckedHttp, source: Source, credentials_of: Source | None) -> None:
        super().__init__()
        self._http = http
        self._credentials_of = credentials_of
        self._source, self._answer = http.get(source, 0, credentials_of)
        if self._answer.status not in {200, 206}:
            status = self._answer.status
            self._answer.close()
            raise SourceLostError(f"{source.shown} answers with the status {status}.")
        self.name = self._source.address
        self._place = 0
        self._left = b""
        self._size = _size_of(self._answer)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._size is not None

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if self._size is None:
            raise io.UnsupportedOperation("this server gives no parts")
        place = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence] + offset
        if place != self._place:
            self._answer.close()
            self._left = b""
            self._place = place
            if place < self._size:
                self._source, self._answer = self._http.get(self._source, place, self._credentials_of)
                if self._answer.status != 206:
                    raise OSError("the server gives no parts any more")
        return self._place

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            raise io.UnsupportedOperation("a stream has no end")
        if not self._left and (self._size is None or self._place < self._size):
            try:
                self._left = self._answer.next_chunk()
            except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
                raise OSError(f"{self._source.shown} ends in the middle") from error
        read, self._left = self._left[:size], self._left[size:]
        self._place += len(read)
        return read

    def close(self) -> None:
        self._answer.close()
        super().close()


class _PinnedBackend(httpcore2.NetworkBackend):
    """Connects to the addresses that were checked, whatever the name stands for by now."""

    def __init__(self) -> None:
        self.connections = Connections()
        self._allowed: dict[tuple[str, int], tuple[str, ...]] = {}

    def allow(self, source: Source) -> None:
        self._allowed[source.host.lower(), source.port] = source.ip_addresses

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *_: Any, **__: Any
    ) -> httpcore2.NetworkStream:
        addresses = self._allowed.get((host.strip("[]").lower(), port), ())
        with _told_as(httpcore2.ConnectTimeout, httpcore2.ConnectError):
            return _Stream(self.connections, self.connections.connect(addresses, port, timeout or CONNECT_S))


class _Stream(httpcore2.NetworkStream):
    def __init__(self, connections: Connections, connected: socket.socket) -> None:
        self._connections = connections
        self._socket = connected

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _told_as(httpcore2.ReadTimeout, httpcore2.ReadError):
            self._socket.settimeout(timeout)
            return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _told_as(httpcore2.WriteTimeout, httpcore2.WriteError):
            self._socket.settimeout(timeout)
            self._socket.sendall(buffer)

    def close(self) -> None:
        self._connections.close(self._socket)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        with _told_as(httpcore2.ConnectTimeout, httpcore2.ConnectError):
            host = server_hostname or ""
            secured = self._connections.secured(self._socket, ssl_context, host, timeout or CONNECT_S)
        return _Stream(self._connections, secured)

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        return self._socket if info == "socket" else None


@contextmanager
def _told_as(timeout: type[Exception], failure: type[Exception]) -> Generator[None]:
    """What the socket says, in the words of the client."""
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error)) from error
    except OSError as error:
        raise failure(str(error)) from error


def _credentials(source: Source, credentials_of: Source | None) -> tuple[str, str] | None:
    """Those in the address itself; or those of the first one, which go to no other host."""
    giver = source if source.user is not None else credentials_of
    if giver is None or giver.user is None or (giver.host, giver.port) != (source.host, source.port):
        return None
    return giver.user, giver.password or ""


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _size_of(answer: Answer) -> int | None:
    """Known where the server gives parts of a whole."""
    total = answer.header(b"content-range").rpartition("/")[2]
    return int(total) if answer.status == 206 and total.isascii() and total.isdecimal() else None
