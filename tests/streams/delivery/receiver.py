"""A web server of this machine that takes webhooks: it answers as its paths say, and remembers who came."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Post:
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class Receiver:
    port: int
    posts: list[Post] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    """Path -> statuses of its next answers, the last one for good; else 204."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of every answer."""
    slow: set[str] = field(default_factory=set)
    """Paths that do not answer before `release` is set."""
    endless: set[str] = field(default_factory=set)
    """Paths whose answer has no end."""
    release: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def bodies(self, path: str) -> list[bytes]:
        return [post.body for post in self.posts if post.path == path]


class _Handler(http.server.BaseHTTPRequestHandler):
    receiver: Receiver

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        receiver = self.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.posts.append(Post(self.path, headers, body))
        if self.path in receiver.slow:
            receiver.release.wait(20)
        statuses = receiver.answers.get(self.path, [204])
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        with suppress(ConnectionError):  # whoever asked may have gone
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            while self.path in receiver.endless and not receiver.release.is_set():
                self.wfile.write(b"." * 1000)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A caller who breaks off, or who does not trust the certificate, is no error of the test."""


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    handler = type("Handler", (_Handler,), {})
    with _Server(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        handler.receiver = one = Receiver(server.server_address[1])  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield one
        finally:
            one.release.set()
            server.shutdown()
            thread.join()
