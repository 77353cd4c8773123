"""A web server on loopback that misbehaves as it is told, and remembers what it was asked."""

import time
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

MOST_SENT_BYTES = 8_000_000
"""Even endless answers end somewhere."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How one request is answered; the defaults are those of a good server."""

    status: int = 0
    """An error or redirect to answer with; 0 sends the file."""
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None
    """Other bytes than the file's."""
    cut_after: int | None = None
    """Close the connection after so many bytes of this answer's body."""
    announced: int | None = None
    """A Content-Length that is not the body's; -1 sends none."""
    honours_range: bool = True
    offset_error: int = 0
    """Added to the start of the range that is answered with."""
    ignores_if_range: bool = False
    etag: str | None = '"one"'
    last_modified: str | None = None
    pause_s: float = 0.0
    """Between pieces of 64 bytes."""
    endless: bool = False


GOOD = Manners()


@dataclass(frozen=True, slots=True)
class Asked:
    path: str
    range: str | None
    if_range: str | None


class NastyServer:
    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[Asked] = []
        self._contents: dict[str, bytes] = {}
        self._manners: dict[str, list[Manners]] = {}
        self._served: defaultdict[str, int] = defaultdict(int)
        self._lock = Lock()

    def serve(self, path: str, content: bytes, *manners: Manners) -> str:
        """The address of a file; one of the `manners` for each request, the last of them for all that follow."""
        with self._lock:
            self._contents[path], self._manners[path] = content, list(manners) or [GOOD]
            self._served[path] = 0
        return f"{self.address}{path}"

    @property
    def ranges(self) -> list[str | None]:
        return [asked.range for asked in self.asked]

    def next_answer(self, asked: Asked) -> tuple[bytes, Manners] | None:
        with self._lock:
            self.asked.append(asked)
            if asked.path not in self._contents:
                return None
            manners = self._manners[asked.path]
            chosen = manners[min(self._served[asked.path], len(manners) - 1)]
            self._served[asked.path] += 1
            return self._contents[asked.path], chosen


@contextmanager
def nasty_server() -> Generator[NastyServer]:
    class Handler(_Handler):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        listener.block_on_close = False
        server = NastyServer(f"http://127.0.0.1:{listener.server_address[1]}")
        Handler.server_state = server
        thread = Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_state: NastyServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        asked = Asked(self.path, self.headers.get("Range"), self.headers.get("If-Range"))
        answer = self.server_state.next_answer(asked)
        try:
            if answer is None:
                self.send_error(404)
            else:
                self._answer(*answer, asked)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def _answer(self, content: bytes, manners: Manners, asked: Asked) -> None:
        if manners.status:
            self.send_response(manners.status)
            self._send_headers(manners.headers | {"Content-Length": "0"})
            return
        body = content if manners.content is None else manners.content
        start = self._start(manners, asked)
        if start is not None and start >= len(body):
            self.send_response(416)
            self._send_headers({"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
            return
        headers = dict(manners.headers)
        if start is None:
            self.send_response(200)
            sent = body
        else:
            self.send_response(206)
            told = start + manners.offset_error
            headers["Content-Range"] = f"bytes {told}-{len(body) - 1}/{len(body)}"
            sent = body[told:]
        if manners.etag:
            headers["ETag"] = manners.etag
        if manners.last_modified:
            headers["Last-Modified"] = manners.last_modified
        if manners.announced != -1 and not manners.endless:
            headers["Content-Length"] = str(len(sent) if manners.announced is None else manners.announced)
        self._send_headers(headers)
        self._send_body(sent, manners)

    def _start(self, manners: Manners, asked: Asked) -> int | None:
        if asked.range is None or not manners.honours_range:
            return None
        if (
            asked.if_range
            and not manners.ignores_if_range
            and asked.if_range
            not in {
                manners.etag,
                manners.last_modified,
            }
        ):
            return None
        return int(asked.range.removeprefix("bytes=").rstrip("-"))

    def _send_headers(self, headers: dict[str, str]) -> None:
        for name, value in (headers | {"Connection": "close"}).items():
            self.send_header(name, value)
        self.end_headers()

    def _send_body(self, body: bytes, manners: Manners) -> None:
        if manners.endless:
            for _ in range(MOST_SENT_BYTES // 65536):
                self.wfile.write(bytes(65536))
            return
        body = body[: manners.cut_after]
        if not manners.pause_s:
            self.wfile.write(body)
            return
        for place in range(0, len(body), 64):
            self.wfile.write(body[place : place + 64])
            self.wfile.flush()
            time.sleep(manners.pause_s)

    def log_message(self, *args: object) -> None:
        pass
