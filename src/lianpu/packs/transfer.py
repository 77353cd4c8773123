"""One answer of a web server, written into a part of a file: from where, what, how much and how fast it may be."""

import ipaddress
import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

import httpx2

from lianpu.errors import StorageError

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429})


class DownloadCancelled(Exception):  # noqa: N818 (a way out, not an error)
    """The caller asked to end; what has come stays."""


class Refused(Exception):  # noqa: N818
    """This address will not give the file; another one may."""


class _Overrun(Refused):
    """More came than the file may have, so what has come is another file."""


class Interrupted(Exception):  # noqa: N818
    """The answer ended early or never began; the same address may give the rest."""

    def __init__(self, problem: str, retry_after_s: float = 0.0) -> None:
        super().__init__(problem)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class TransferLimits:
    """What one download may take of time and space."""

    max_bytes: int = 4 << 30
    """Of a file whose size is not known."""
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 20.0
    max_redirects: int = 5
    max_idle_attempts: int = 4
    """Attempts in a row at one address that bring nothing new."""
    max_attempts: int = 50
    """At one address, whatever they bring."""
    backoff_s: float = 1.0
    """Before the second attempt; doubled each time."""
    max_wait_s: float = 60.0
    """Longest wait between attempts; a server that asks for more is given up."""
    min_bytes_per_s: float = 1024.0
    """Slower servers are left, measured over `slow_after_s`."""
    slow_after_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Validators:
    """What the server said of the file that the part is of, so that parts of two files are never joined."""

    url: str = ""
    etag: str | None = None
    last_modified: str | None = None


class Part:
    """The bytes of a file that are there so far, with a small state beside them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = path.with_name(path.name + ".json")

    @property
    def size_bytes(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    @property
    def validators(self) -> Validators:
        try:
            return Validators(**json.loads(self._state.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Validators()

    def delete(self) -> None:
        for path in (self.path, self._state):
            path.unlink(missing_ok=True)

    @contextmanager
    def begin(self, validators: Validators) -> Generator[BinaryIO]:
        """Write it anew."""
        self.delete()
        self._state.write_text(json.dumps(asdict(validators)), encoding="utf-8")
        # Unbuffered: what the file holds after a failed write is then known.
        with self.path.open("wb", buffering=0) as stream:
            yield stream  # type: ignore[misc]

    @contextmanager
    def go_on(self) -> Generator[BinaryIO]:
        with self.path.open("ab", buffering=0) as stream:
            yield stream  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who hears of the progress and may end it."""

    progress: Callable[[int, int | None], None]
    is_cancelled: Callable[[], bool]

    def check(self) -> None:
        """
        Raises:
            DownloadCancelled: it is to end.
        """
        if self.is_cancelled():
            raise DownloadCancelled

    def sleep(self, seconds: float) -> None:
        """
        Raises:
            DownloadCancelled: it is to end.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(0.2, left))


@dataclass(frozen=True, slots=True)
class Received:
    bytes: int
    is_whole: bool
    """One answer gave the file from its first byte: if it is a wrong one, this address is to blame."""


class Receiver:
    """Requests the rest of a file and appends it to its part."""

    def __init__(self, client: httpx2.Client, limits: TransferLimits, *, allow_http: bool) -> None:
        self._client = client
        self._limits = limits
        self._allow_http = allow_http

    def receive(self, url: str, part: Part, size_bytes: int | None, watcher: Watcher) -> Received:
        """All of the file, or what it lacks.

        Args:
            size_bytes: what the file must have; None where that is not known.

        Raises:
            Refused, Interrupted: see there.
            DownloadCancelled: the watcher said so.
            StorageError: the disk is full or cannot be written.
        """
        offset = part.size_bytes
        if size_bytes is not None and offset >= size_bytes:
            if offset == size_bytes:
                return Received(0, is_whole=False)
            part.delete()
            offset = 0
        try:
            with self._answer(url, self._range(url, part, offset)) as response:
                start, total = self._place(response, part, offset, size_bytes)
                if start is None:
                    return Received(0, is_whole=False)
                validators = Validators(url, response.headers.get("etag"), response.headers.get("last-modified"))
                with part.go_on() if start else part.begin(validators) as stream:
                    received = self._write(response, stream, start, total, size_bytes, watcher)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, UnicodeError) as error:
            # UnicodeError: a host name that no resolver takes.
            raise Interrupted(_text(error)) from error
        except OSError as error:
            raise StorageError(
                f"The download cannot be written to {part.path.parent}: {error.strerror or error}. What has come is "
                "kept; the next pull goes on from there."
            ) from error
        except _Overrun:
            part.delete()
            raise
        if size_bytes is not None and start + received < size_bytes:
            raise Interrupted(f"the answer ended at byte {start + received} of {size_bytes}")
        return Received(received, is_whole=start == 0)

    def _range(self, url: str, part: Part, offset: int) -> dict[str, str]:
        if not offset:
            return {}
        headers = {"Range": f"bytes={offset}-"}
        known = part.validators
        strong = known.etag if known.etag and not known.etag.startswith("W/") else None
        validator = strong or known.last_modified
        # A header that the server filled with other characters cannot be sent back.
        if known.url == url and validator and validator.isascii():
            headers["If-Range"] = validator
        return headers

    @contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Generator[httpx2.Response]:
        """The answer at the end of the redirects."""
        address, previous = httpx2.URL(url), None
        for _ in range(self._limits.max_redirects + 1):
            self._check_address(address, previous)
            request = self._client.build_request("GET", address, headers=headers)
            response = self._client.send(request, stream=True, follow_redirects=False)
            try:
                if response.status_code not in _REDIRECTS:
                    yield response
                    return
                address, previous = address.join(response.headers.get("location", "")), address
            finally:
                response.close()
        raise Refused(f"it redirects more than {self._limits.max_redirects} times")

    def _check_address(self, address: httpx2.URL, previous: httpx2.URL | None) -> None:
        shown = shown_address(str(address))
        if address.scheme not in {"http", "https"} or not address.host:
            raise Refused(f"{shown} is no http or https address")
        if previous is not None and previous.scheme == "https" and address.scheme == "http":
            raise Refused(f"it redirects from https down to {shown}")
        if previous is not None and is_loopback(address.host) and not is_loopback(previous.host):
            raise Refused(f"it redirects to {shown} inside this machine")
        if address.scheme == "http" and not (self._allow_http or is_loopback(address.host)):
            raise Refused(f"{shown} is plain http, which the setting packs.allow_http does not allow")

    def _place(
        self, response: httpx2.Response, part: Part, offset: int, size_bytes: int | None
    ) -> tuple[int | None, int | None]:
        """Where the answer's first byte belongs (None: nothing is lacking), and how long the file is said to be."""
        status = response.status_code
        if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Interrupted(f"it answers {status}", self._retry_after_s(response))
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
            return self._nothing_beyond(response, part, offset, size_bytes)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise Refused("it answers with compressed content that was not asked for")
        if status == HTTPStatus.OK:
            start, total = 0, _number(response.headers.get("content-length"))
        elif status == HTTPStatus.PARTIAL_CONTENT:
            start, total = _content_range(response.headers.get("content-range", ""))
            etag, known = response.headers.get("etag"), part.validators
            is_other = bool(known.url == str(response.request.url) and etag and known.etag and etag != known.etag)
            if start != offset or not offset or is_other:
                part.delete()
                raise Interrupted("it answers with another part than the one asked for")
        else:
            raise Refused(f"it answers {status}")
        if total is not None and size_bytes is not None and total != size_bytes:
            raise Refused(f"it announces {total} bytes, and the file has {size_bytes}")
        if (total or 0) > self._limits.max_bytes:
            raise Refused(f"it announces {total} bytes, and no more than {self._limits.max_bytes} are taken")
        return start, total

    def _nothing_beyond(
        self, response: httpx2.Response, part: Part, offset: int, size_bytes: int | None
    ) -> tuple[None, int]:
        """As `_place`, where the server has no byte at the offset: the part is the whole file, or not of this file."""
        _, total = _content_range(response.headers.get("content-range", ""))
        if size_bytes is None and total == offset:
            return None, offset
        if size_bytes is not None and total not in {None, size_bytes}:
            raise Refused(f"it announces {total} bytes, and the file has {size_bytes}")
        part.delete()
        raise Interrupted("it has no such part of the file")

    def _write(
        self,
        response: httpx2.Response,
        stream: BinaryIO,
        start: int,
        total: int | None,
        size_bytes: int | None,
        watcher: Watcher,
    ) -> int:
        expected = size_bytes or total
        most = expected or self._limits.max_bytes
        done = window_start = start
        window_end = time.monotonic() + self._limits.slow_after_s
        # In pieces as they come: a fixed size would hold back, and lose, the last ones before a cut.
        for chunk in response.iter_raw():
            watcher.check()
            if done + len(chunk) > most:
                raise _Overrun(f"it sends more than {most} bytes")
            rest = memoryview(chunk)
            while rest:
                written = stream.write(rest)
                rest, done = rest[written:], done + written
            watcher.progress(done, expected)
            if time.monotonic() > window_end:
                if done - window_start < self._limits.min_bytes_per_s * self._limits.slow_after_s:
                    raise Interrupted(f"it sends less than {self._limits.min_bytes_per_s:.0f} bytes a second")
                window_start, window_end = done, time.monotonic() + self._limits.slow_after_s
        return done - start

    def _retry_after_s(self, response: httpx2.Response) -> float:
        given = response.headers.get("retry-after", "")
        seconds = 0.0
        if given.isascii() and given.isdecimal():
            seconds = float(given[:9])
        elif given:
            with suppress(ValueError):
                moment = parsedate_to_datetime(given)
                seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
        if seconds > self._limits.max_wait_s:
            raise Refused(f"it answers {response.status_code} and asks to come back in {seconds:.0f} s")
        return max(0.0, seconds)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def shown_address(url: str) -> str:
    """An address without what may be secret in it: user, password, query."""
    try:
        parsed = httpx2.URL(url)
        return str(parsed.copy_with(userinfo=b"", query=None, fragment=None))
    except httpx2.InvalidURL:
        return "an address that is not valid"


def _number(text: str | None) -> int | None:
    return int(text[:18]) if text is not None and text.isascii() and text.isdecimal() else None


def _content_range(text: str) -> tuple[int, int | None]:
    """`bytes 100-199/200` as (100, 200); a start of -1 where it is none."""
    unit, _, rest = text.partition(" ")
    span, _, total = rest.partition("/")
    start = _number(span.partition("-")[0])
    return (start if unit == "bytes" and start is not None else -1), _number(total)


def _text(error: Exception) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "it does not answer in time"
    # Messages of the client may hold the whole address.
    return str(error).splitlines()[0][:200] if isinstance(error, httpx2.TransportError) and str(error) else "no answer"
