"""Connections that can be ended from another thread at once: while they are made, secured, read from or written to."""

import selectors
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock

_LOOKED_EVERY_S = 0.1
_IN_PROGRESS = frozenset({0, 36, 115, 10035, 10036})
"""EINPROGRESS of BSD, of Linux, and what Windows says instead."""


class Connections:
    """Of one source."""

    def __init__(self) -> None:
        self._sockets: set[socket.socket] = set()
        self._lock = Lock()
        self._ended = False

    def connect(self, addresses: Sequence[str], port: int, timeout_s: float) -> socket.socket:
        """Blocks. The addresses are tried in turn.

        Raises:
            OSError: none answers; `end` was called.
        """
        failure: OSError = ConnectionError("there is no address")
        for address in addresses:
            try:
                return self._connected(address, port, timeout_s)
            except OSError as error:
                failure = error
        raise failure

    def secured(self, plain: socket.socket, context: ssl.SSLContext, host: str, timeout_s: float) -> ssl.SSLSocket:
        """The same connection under TLS. Blocks.

        Raises:
            OSError: the other side is not who it should be, or does not answer; `end` was called.
        """
        plain.settimeout(timeout_s)
        # Wrapping takes the connection away from `plain`, which could not be ended any more.
        secured = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        with self._lock:
            self._sockets.discard(plain)
        try:
            self._hold(secured)
            secured.do_handshake()
        except OSError:
            self.close(secured)
            raise
        return secured

    def close(self, one: socket.socket) -> None:
        with self._lock:
            self._sockets.discard(one)
        one.close()

    def end(self) -> None:
        """From any thread, without waiting: who waits for a connection wakes up, and nothing more is connected to."""
        with self._lock:
            self._ended = True
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _connected(self, address: str, port: int, timeout_s: float) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        one = socket.socket(family, socket.SOCK_STREAM)
        try:
            one.setblocking(False)
            begun = one.connect_ex((address, port))
            if begun not in _IN_PROGRESS:
                raise OSError(begun, "cannot be connected to")
            self._wait_for(one, timeout_s)
            problem = one.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if problem:
                raise OSError(problem, "cannot be connected to")
            one.settimeout(timeout_s)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._hold(one)
        except OSError:
            one.close()
            raise
        return one

    def _wait_for(self, one: socket.socket, timeout_s: float) -> None:
        end_s = time.monotonic() + timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(one, selectors.EVENT_WRITE)
            while not selector.select(_LOOKED_EVERY_S):
                if self._ended:
                    raise ConnectionAbortedError("ended")
                if time.monotonic() > end_s:
                    raise TimeoutError("does not answer")

    def _hold(self, one: socket.socket) -> None:
        with self._lock:
            if self._ended:
                raise ConnectionAbortedError("ended")
            self._sockets.add(one)
