"""`lianpu serve`: the server."""

import asyncio
import errno
import socket
import sys
from socket import gethostname
from typing import TYPE_CHECKING, Annotated

import typer

from lianpu.cli.early_stop import heed_early_stop
from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from lianpu.bootstrap import Platform

READABLE = (
    "warning: other machines can reach this address, and there is no TLS: passwords and faces travel readable. "
    "Put a proxy with TLS in front."
)
INVITATION = (
    "There is no administrator yet. Make the first one (the link is good once, until the next start):\n"
    "  {url}/setup#{token}\n"
    "or in a terminal: lianpu users create-admin NAME"
)


def serve(
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=1, max=65535)] = None,
    host: Annotated[str | None, typer.Option(help="Address to bind.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Start the server and the console."""
    heed_early_stop()
    from lianpu.api.access import is_loopback
    from lianpu.api.app import create_app
    from lianpu.api.serving import Server
    from lianpu.bootstrap import prepare_database, prepare_home
    from lianpu.cli.home_lock import held_home
    from lianpu.cli.private_memory import keep_memory_private
    from lianpu.observability.logging import configure_logging

    overrides = {"server.port": port, "server.host": host}
    settings = load_settings(home, config, {key: value for key, value in overrides.items() if value is not None})
    server = settings.server
    prepare_home(settings)
    listener = _listen(server.host, server.port)
    url = _url(server.host, server.port)
    with listener, held_home(settings, _url(_reachable(server.host), server.port)) as node:
        # Not before the home is ours: the log file of a server that holds it is not to be touched.
        configure_logging(settings.logging, settings.home, None if node is None else f"{gethostname()}-{server.port}")
        keep_memory_private()
        asyncio.run(prepare_database(settings))
        typer.echo(f"Lianpu: {url}   (home {settings.home}; Ctrl+C stops)", err=True)
        if not is_loopback(server.host):
            typer.echo(READABLE, err=True)

        async def invite(platform: "Platform") -> None:
            token = await platform.accounts.setup.new_token()
            if token is not None:
                # To the terminal alone: whoever can read a log must not become administrator by it.
                typer.echo(INVITATION.format(url=_url(_reachable(server.host), server.port), token=token), err=True)

        app = create_app(settings, node=node, on_start=invite)
        # uvicorn shuts down gracefully, then raises the signal once more for whoever was there before, so that
        # the home is given back and an orderly end does not look like a crash.
        Server(app, trusted_proxies=server.trusted_proxies, drain_s=server.drain_s).run(sockets=[listener])


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _reachable(host: str) -> str:
    """Where commands on this machine find a server that listens on `host`: not every system can call 0.0.0.0."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _listen(host: str, port: int) -> socket.socket:
    """Bind before anything is loaded: a port that is taken is told at once.

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
                f"Port {port} on {host} is in use by another program. Choose another by --port N."
            ) from error
        raise StartError(f"Cannot listen on {host}:{port}: {error.strerror or error}.") from error
    return listener
