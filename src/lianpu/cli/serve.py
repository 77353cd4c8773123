"""`lianpu serve`: the server."""

import asyncio
from socket import gethostname
from typing import TYPE_CHECKING, Annotated

import typer

from lianpu.cli.early_stop import heed_early_stop
from lianpu.cli.listening import address_of, listen
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
    listener = listen(server.host, server.port, option="--port")
    url, reached = address_of(server.host, server.port), address_of(_reachable(server.host), server.port)
    with listener, held_home(settings, reached) as node:
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
                typer.echo(INVITATION.format(url=reached, token=token), err=True)

        app = create_app(settings, node=node, on_start=invite)
        # uvicorn shuts down gracefully, then raises the signal once more for whoever was there before, so that
        # the home is given back and an orderly end does not look like a crash.
        Server(app, trusted_proxies=server.trusted_proxies, drain_s=server.drain_s).run(sockets=[listener])


def _reachable(host: str) -> str:
    """Where commands on this machine find a server that listens on `host`: not every system can call 0.0.0.0."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
