"""`lianpu worker`: a node that answers nobody and works for those that do."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from socket import gethostname
from typing import TYPE_CHECKING, Annotated

import typer

from lianpu.cli.early_stop import heed_early_stop
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
    overrides: dict[str, object] = {} if concurrency is None else {"jobs.workers": concurrency}
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
    with shared_home(settings.home, None) as node:
        configure_logging(settings.logging, settings.home, f"{gethostname()}-worker-{os.getpid()}")
        keep_memory_private()
        asyncio.run(prepare_database(settings))
        if settings.nodes.redis is None:
            typer.echo(ALONE, err=True)
        typer.echo(f"Lianpu worker: {work.told(settings)}   (home {settings.home}; Ctrl+C stops)", err=True)
        asyncio.run(_work(settings, node, work))


async def _work(settings: "Settings", node: "Node", work: Work) -> None:
    from lianpu.bootstrap import open_platform

    is_told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for stop in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(stop, is_told.set)
        except NotImplementedError:  # Windows
            signal.signal(stop, lambda _number, _frame: loop.call_soon_threadsafe(is_told.set))
    async with open_platform(settings, roles=work.roles(), node=node) as platform:
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
