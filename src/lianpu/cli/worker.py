"""`lianpu worker`: a node that answers nobody and works for those that do."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from lianpu.cli.early_stop import heed_early_stop
from lianpu.cli.listening import address_of, listen
from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from lianpu.bootstrap import Platform, Roles
    from lianpu.nodes.presence import Node
    from lianpu.settings import Settings

BEAT_S = 5.0
SILENCE_S = 30.0
"""A worker that did not say for so long that it works is not well."""

ALONE = "warning: nodes.redis names none: servers learn later what this worker does, and show nothing of its streams."


@dataclass(frozen=True, slots=True)
class Work:
    jobs: bool
    streams: bool

    def roles(self) -> "Roles":
        from lianpu.bootstrap import Roles

        return Roles(serves=False, jobs=self.jobs, streams=self.streams)

    def told(self, settings: "Settings") -> str:
        parts = [f"{settings.jobs.workers} jobs"] * self.jobs + [
            f"{settings.streams.max_active} streams"
        ] * self.streams
        return f"{' and '.join(parts)} at once"


def worker(
    jobs: Annotated[bool, typer.Option("--jobs", help="Run jobs. Without any such option: all there is.")] = False,
    streams: Annotated[bool, typer.Option("--streams", help="Run streams; likewise.")] = False,
    concurrency: Annotated[
        int | None, typer.Option(help="Jobs at once; else jobs.workers of the settings.", min=1, max=64)
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(help="Serve /metrics on this port; else observability.worker_metrics_port.", min=1, max=65535),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only ask whether a worker of this machine works; exit status 1: none does.")
    ] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Work for the servers that share this home and its database (PostgreSQL or MariaDB)."""
    if not check:
        heed_early_stop()
    work = Work(jobs or not streams, streams or not jobs)
    given = {"jobs.workers": concurrency, "observability.worker_metrics_port": metrics_port}
    overrides: dict[str, object] = {name: value for name, value in given.items() if value is not None}
    if work.streams:
        # The same file may say that servers leave streams to workers.
        overrides["streams.run"] = True
    settings = load_settings(home, config, overrides)
    if check:
        _check(settings)
        return
    from lianpu.bootstrap import prepare_database, prepare_home
    from lianpu.cli.home_lock import shared_home
    from lianpu.cli.private_memory import keep_memory_private
    from lianpu.errors import StartError
    from lianpu.observability.logging import configure_logging

    if not settings.database.is_server:
        raise StartError(
            "A worker shares a database server with the servers that it works for; database.url names none. "
            "A single server runs its jobs itself."
        )
    prepare_home(settings)
    with _metrics_listener(settings) as listener, shared_home(settings.home, None) as node:
        configure_logging(settings.logging, settings.home, f"{socket.gethostname()}-worker-{os.getpid()}")
        keep_memory_private()
        asyncio.run(prepare_database(settings))
        if settings.nodes.redis is None:
            typer.echo(ALONE, err=True)
        typer.echo(f"Lianpu worker: {work.told(settings)}   (home {settings.home}; Ctrl+C stops)", err=True)
        asyncio.run(_work(settings, node, work, listener))


@contextmanager
def _metrics_listener(settings: "Settings") -> Generator[socket.socket | None]:
    told = settings.observability
    if told.worker_metrics_port is None:
        yield None
        return
    with listen(told.worker_metrics_host, told.worker_metrics_port, option="--metrics-port") as listener:
        typer.echo(f"Metrics: {address_of(told.worker_metrics_host, told.worker_metrics_port)}/metrics", err=True)
        yield listener


async def _work(settings: "Settings", node: "Node", work: Work, listener: socket.socket | None) -> None:
    from lianpu.api.worker_metrics import served_metrics
    from lianpu.bootstrap import open_platform

    is_told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for stop in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(stop, is_told.set)
        except NotImplementedError:  # Windows
            signal.signal(stop, lambda _number, _frame: loop.call_soon_threadsafe(is_told.set))
    async with (
        open_platform(settings, roles=work.roles(), node=node) as platform,
        nullcontext() if listener is None else served_metrics(platform, listener),
    ):
        beating = asyncio.create_task(_beat(platform))
        try:
            await is_told.wait()
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)


async def _beat(platform: "Platform") -> None:
    """While everything that it needs is there, the worker says so: `lianpu worker --check` looks for that."""
    from lianpu.bootstrap.readiness import OK

    while True:
        checks = await platform.readiness.checks()
        if all(state == OK for state in checks.values()):
            await asyncio.to_thread(platform.node.beat)
        await asyncio.sleep(BEAT_S)


def _check(settings: "Settings") -> None:
    from lianpu.nodes.presence import beating

    found = beating(settings.home, within_s=SILENCE_S, now=time.time())
    if not found:
        typer.echo(f"No worker of this machine has said within {SILENCE_S:.0f} s that it works.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{len(found)} of this machine work.")
