"""A port that a command takes before anything is loaded: one that is in use is told at once."""

import errno
import socket
import sys


def listen(host: str, port: int, *, option: str) -> socket.socket:
    """
    Args:
        option: of the command line, which chooses another port.

    Raises:
        PortInUseError: another program listens there.
        StartError: the address cannot be bound for another reason.
    """
    from lianpu.errors import PortInUseError, StartError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, the event loop switches the delay of small answers off (TCP_NODELAY).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform == "win32":
        # There SO_REUSEADDR would let two servers share a port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if (error.errno in {errno.EADDRINUSE, errno.EACCES} and port >= 1024) or error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"Port {port} on {host} is in use by another program. Choose another by {option} N."
            ) from error
        raise StartError(f"Cannot listen on {host}:{port}: {error.strerror or error}.") from error
    return listener


def address_of(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
