"""Opens a platform: the home made, the schema newest, the default pack loaded, and the work of the background begun."""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any

from lianpu.accounts.passwords import HashCost
from lianpu.bootstrap.building import build_platform, database_of
from lianpu.bootstrap.platform import Platform
from lianpu.bootstrap.roles import SERVER, Roles
from lianpu.bootstrap.streaming import stream_runs
from lianpu.engines.restore.enhancement import PhotoEnhancer
from lianpu.errors import (
    HomeUnwritableError,
    PackError,
    PackNotFoundError,
    SigningKeyError,
    StorageError,
    StorageUnavailableError,
    VectorIndexUnavailableError,
)
from lianpu.gallery.unfinished import mend_after_crash, run_retries
from lianpu.nodes.presence import Node
from lianpu.observability.instruments import measure_with
from lianpu.settings import Settings

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_platform(
    settings: Settings,
    *,
    runs_jobs: bool = True,
    roles: Roles = SERVER,
    node: Node | None = None,
    hash_cost: HashCost | None = None,
    photo_enhancer: PhotoEnhancer | None = None,
) -> AsyncGenerator[Platform]:
    """A platform that is ready for work: home made, schema newest, default pack loaded and its index filled.

    A default pack that cannot be used does not stop the start: `/health` and every call that needs it say why.

    Args:
        runs_jobs: do what `roles` say; only for a process that holds the home. False: only answer.
        node: as which the process holds the home; None: it is registered here, where the database is a server.
        hash_cost: of new passwords; None: what is recommended.
        photo_enhancer: instead of the built-in one.

    Raises:
        EphemeralStoreError: `enhance.storage` names a Redis that keeps what it is given, or that cannot be reached.
        HomeUnwritableError: the home folder cannot be made or written.
    """
    prepare_home(settings)
    platform = build_platform(settings, node=node, hash_cost=hash_cost, photo_enhancer=photo_enhancer)
    # Everything that is begun from here on counts for this platform.
    measure_with(platform.instruments)
    try:
        await platform.database.migrate()
        await platform.gallery.indexes.begin_following()
        await platform.gallery.default_pack.restore()
        await platform.gallery.shadow.restore()
        await platform.gallery.thresholds.restore()
        await _load_default_pack(platform)
        await _load_liveness(platform)
        await _prepare_labels(platform)
        await platform.bus.start()
        async with (
            platform.audit.running(),
            platform.gallery.following.running(),
            _working(platform, roles) if runs_jobs else nullcontext(),
        ):
            platform.readiness.begin(works=runs_jobs)
            yield platform
    finally:
        platform.readiness.drain()
        platform.delivery.close()
        await platform.queue.close()
        await platform.workers.queue.close()
        await platform.gallery.indexes.close()
        await platform.bus.close()
        await platform.accounts.close()
        await platform.database.close()
        if platform.instruments.tracing is not None:
            await platform.instruments.tracing.close()
        measure_with(None)


@asynccontextmanager
async def _working(platform: Platform, roles: Roles) -> AsyncGenerator[None]:
    with _held(platform):
        await _clear_up(platform, roles)
        await platform.relay.start()
        if roles.serves:
            await platform.push.start()
            await platform.live.start()
            await platform.enhancement.held.start()
        leaves_jobs = roles.serves and platform.workers.queue.is_brokered
        await platform.workers.start(main=roles.jobs and not leaves_jobs, apart=roles.serves)
        tasks = [asyncio.create_task(run) for run in _background(platform, roles)]
        try:
            if roles.streams:
                await platform.streams.restore()
            yield
        finally:
            platform.live.close()
            await platform.swap.live.close()
            await platform.streams.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await platform.workers.stop()
            if roles.serves:
                await platform.enhancement.held.close()
                await platform.live.stop()
                await platform.push.stop()
            await platform.relay.stop()


async def _clear_up(platform: Platform, roles: Roles) -> None:
    """After a crash."""
    try:
        await mend_after_crash(platform.database, platform.gallery.changes.unfinished)
        if roles.serves:
            await platform.images.clear(is_start=platform.database.is_sqlite)
    except StorageUnavailableError as error:
        _log.error("what a crash left behind cannot be cleared away yet: %s", error.detail)


@contextmanager
def _held(platform: Platform) -> Generator[None]:
    """The home: who works on it is seen by the other nodes. Of one that is held alone its lock says so."""
    node = platform.node
    if platform.database.is_sqlite or node.is_registered:
        yield
        return
    node.register()
    try:
        yield
    finally:
        node.leave()


def _background(platform: Platform, roles: Roles) -> list[Coroutine[Any, Any, None]]:
    """What runs all the time."""
    runs: list[Coroutine[Any, Any, None]] = [
        platform.inference_models.run_unloading(),
        run_retries(platform.database, platform.gallery.changes.unfinished),
    ]
    if platform.bus.is_shared:
        runs.append(platform.asking.run())
    if roles.serves or roles.streams:
        runs += stream_runs(platform)
    if roles.serves:
        runs += [
            platform.jobs.run_clearing(),
            platform.gallery.transfers.run_clearing(platform.jobs),
            platform.gallery.shadow.run(),
            platform.images.run_clearing(),
            platform.swap.run_clearing(),
            platform.enhancement.held.run(),
            platform.history.run(),
        ]
    return runs


async def prepare_database(settings: Settings) -> None:
    """Bring its schema to the newest revision.

    Raises:
        DatabaseUnreachableError, DatabaseLoginError: the server does not answer, or refuses.
        DatabaseAddressError, DatabaseDriverError, DatabaseUnsuitableError: it cannot be used as it is.
    """
    database = database_of(settings)
    try:
        await database.migrate()
    finally:
        await database.close()


def prepare_home(settings: Settings) -> None:
    """
    Raises:
        HomeUnwritableError: the folder cannot be made or written.
    """
    home = settings.home
    probe = home / f".writable-{os.getpid()}"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise HomeUnwritableError(
            f"The home folder {home} cannot be written: {error.strerror or error}. "
            "Choose another by --home DIR or LIANPU_HOME, or mend its permissions."
        ) from error


async def _load_default_pack(platform: Platform) -> None:
    try:
        analyzer = await platform.gallery.recognition.analyzer(None)
    except (PackError, PackNotFoundError) as error:
        _log.error("the default pack cannot be used: %s", error.detail)
        return
    key = (analyzer.pack_name, analyzer.pack_version)
    try:
        await platform.gallery.indexes.index_of(key, analyzer.dimension, analyzer.metric)
    except VectorIndexUnavailableError as error:
        _log.error("searches cannot be answered yet: %s", error.detail)


async def _load_liveness(platform: Platform) -> None:
    problem = await asyncio.to_thread(platform.gallery.liveness.problem)
    if problem is not None:
        _log.error("faces cannot be judged live: %s", problem)


async def _prepare_labels(platform: Platform) -> None:
    try:
        await asyncio.to_thread(platform.provenance.prepare)
    except (SigningKeyError, StorageError) as error:
        _log.error("enhanced photos cannot be labelled: %s", error.detail)
