"""The one connection of an RTSP stream, made by us: FFmpeg talks to a port of this machine, we talk to the camera.

FFmpeg resolves names itself, once more, and follows a camera's redirects wherever they lead. So it gets the address of
a relay: the relay connects to an IP address that was checked, speaks TLS where the address says rtsps, and reads the
camera's answers on the way: a redirect ends the connection and is told, instead of being followed.
(RTSP 1.0: RFC 2326; interleaved media: its section 10.12.)
"""

import re
import selectors
import socket
import ssl
import threading
from contextlib import suppress

from lianpu.errors import SourceLostError
from lianpu.streams.connecting import Connections

CONNECT_S = 8.0
IDLE_S = 15.0
CHUNK = 1 << 16
HEADER_MAX_BYTES = 1 << 16
_STATUS = re.compile(rb"\ARTSP/\d\.\d (\d{3})")
_LOCATION = re.compile(rb"^Location:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(rb"^Content-Length:[ \t]*(\d{1,9})", re.IGNORECASE | re.MULTILINE)


class RtspRelay:
    """`with RtspRelay(…) as relay`: FFmpeg opens `127.0.0.1:relay.port`. Lives on one thread of its own."""

    def __init__(self, addresses: tuple[str, ...], port: int, *, tls_host: str | None, name: str) -> None:
        """
        Args:
            addresses: the checked IP addresses, tried in turn.
            tls_host: whose certificate the camera must show; None: no TLS.
            name: of the thread.
        """
        self._addresses = addresses
        self._camera_port = port
        self._tls_host = tls_host
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1)
        self._stop_reader, self._stop_writer = socket.socketpair()
        self._connections = Connections()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.redirect: str | None = None
        """Where the camera wanted us to go."""
        self.problem: str | None = None

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> "RtspRelay":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def end(self) -> None:
        """From any thread, without waiting: FFmpeg reads the end."""
        with suppress(OSError):
            self._stop_writer.send(b"x")
        self._connections.end()

    def close(self) -> None:
        """Waits until nothing of it is left."""
        self.end()
        if self._thread.ident is not None:
            self._thread.join()
        for one in (self._listener, self._stop_reader, self._stop_writer):
            one.close()

    def _run(self) -> None:
        try:
            client = self._accepted()
            if client is None:
                return
            with client:
                camera = self._camera()
                try:
                    self._pump(client, camera)
                finally:
                    self._connections.close(camera)
        except (OSError, SourceLostError) as error:
            self.problem = self.problem or str(error)

    def _accepted(self) -> socket.socket | None:
        """Only the first caller is served: that is FFmpeg, which is told the port by us."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._stop_reader, selectors.EVENT_READ)
            ready = {key.fileobj for key, _ in selector.select(CONNECT_S)}
        return None if self._stop_reader in ready or not ready else self._listener.accept()[0]

    def _camera(self) -> socket.socket:
        plain = self._connections.connect(self._addresses, self._camera_port, CONNECT_S)
        if self._tls_host is None:
            return plain
        return self._connections.secured(plain, ssl.create_default_context(), self._tls_host, CONNECT_S)

    def _pump(self, client: socket.socket, camera: socket.socket) -> None:
        answers = RtspAnswers()
        client.settimeout(IDLE_S)
        camera.settimeout(IDLE_S)
        with selectors.DefaultSelector() as selector:
            for one in (client, camera, self._stop_reader):
                selector.register(one, selectors.EVENT_READ)
            while True:
                # TLS may hold bytes that the selector does not see.
                held = isinstance(camera, ssl.SSLSocket) and camera.pending() > 0
                ready: set[object] = {key.fileobj for key, _ in selector.select(0 if held else IDLE_S)}
                if held:
                    ready.add(camera)
                if not ready or self._stop_reader in ready:
                    return
                if client in ready:
                    sent = client.recv(CHUNK)
                    if not sent:
                        return
                    camera.sendall(sent)
                if camera in ready:
                    received = camera.recv(CHUNK)
                    self.redirect = answers.redirect_in(received)
                    if not received or self.redirect is not None:
                        return
                    client.sendall(received)


class RtspAnswers:
    """Reads along with what a camera sends: answers with their bodies, and interleaved packets between them."""

    def __init__(self) -> None:
        self._pending = b""
        self._skip = 0
        """Bytes of a packet or body that are yet to come."""

    def redirect_in(self, received: bytes) -> str | None:
        """The address that an answer 3xx names; empty text where it names none; None: no redirect so far.

        Raises:
            SourceLostError: this is no RTSP.
        """
        data, self._pending = self._pending + received, b""
        while data:
            if self._skip:
                step = min(self._skip, len(data))
                self._skip -= step
                data = data[step:]
            elif data[:1] == b"$":
                if len(data) < 4:
                    break
                self._skip = 4 + int.from_bytes(data[2:4], "big")
            else:
                end = data.find(b"\r\n\r\n")
                if end < 0:
                    if len(data) > HEADER_MAX_BYTES:
                        raise SourceLostError("What answers there speaks no RTSP.")
                    break
                header = data[: end + 4]
                redirect = _redirect_of(header)
                if redirect is not None:
                    return redirect
                length = _LENGTH.search(header)
                self._skip = len(header) + (int(length[1]) if length else 0)
        self._pending = data
        return None


def _redirect_of(header: bytes) -> str | None:
    status = _STATUS.match(header)
    if status is None or not status[1].startswith(b"3"):
        return None
    location = _LOCATION.search(header)
    return "" if location is None else location[1].decode("latin-1")
