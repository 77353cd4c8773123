"""Web servers of this machine for sources: files with and without parts, playlists, redirects; and one that counts."""

import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass
class VideoServer:
    """What its paths answer; and who came."""

    port: int
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    gives_parts: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """(path, Authorization)"""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    video: VideoServer

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        server = self.video
        server.asked.append((self.path, self.headers.get("Authorization")))
        if self.path in server.redirects:
            self._head(HTTPStatus.FOUND, 0, Location=server.redirects[self.path])
            return
        content = server.files.get(self.path)
        if content is None:
            self._head(HTTPStatus.NOT_FOUND, 0)
            return
        first = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if server.gives_parts:
            part = content[first:]
            span = f"bytes {first}-{len(content) - 1}/{len(content)}"
            self._head(HTTPStatus.PARTIAL_CONTENT, len(part), **{"Content-Range": span})
        else:
            part = content
            self._head(HTTPStatus.OK, len(part))
        try:
            self.wfile.write(part)
        except ConnectionError:
            self.close_connection = True

    def _head(self, status: HTTPStatus, length: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()


@contextmanager
def video_server() -> Iterator[VideoServer]:
    handler = type("Handler", (_Handler,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.video = VideoServer(server.server_address[1])  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield handler.video  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Bait:
    """A port that nobody may come to."""

    port: int
    visits: list[object] = field(default_factory=list)
    held: list[socket.socket] = field(default_factory=list)
    """Connections, on which nothing is ever said."""


@contextmanager
def bait() -> Iterator[Bait]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.02)
        trap, stop = Bait(listener.getsockname()[1]), threading.Event()

        def watch() -> None:
            while not stop.is_set():
                try:
                    visitor, address = listener.accept()
                except TimeoutError:
                    continue
                trap.visits.append(address)
                trap.held.append(visitor)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield trap
        finally:
            stop.set()
            thread.join()
            for visitor in trap.held:
                visitor.close()


@contextmanager
def camera_that_redirects(target: str) -> Iterator[int]:
    """An RTSP camera that answers everything by `302 Moved`; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller:
                while request := caller.recv(4096):
                    number = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"cseq"))
                    caller.sendall(
                        b"RTSP/1.0 302 Moved\r\n" + number + b"\r\nLocation: " + target.encode() + b"\r\n\r\n"
                    )

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with socket.socket() as last:
                last.connect_ex(listener.getsockname())
            thread.join()
