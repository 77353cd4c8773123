"""The composition root: settings become one platform of database, storage, engines, index and queue."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import cv2

from lianpu.accounts.accounts import Accounts, accounts_of
from lianpu.accounts.passwords import HashCost
from lianpu.audit.audit import Audit, build_audit
from lianpu.database.session import Database
from lianpu.engines.image import ImageLimits
from lianpu.engines.restore.enhancement import PhotoEnhancer
from lianpu.engines.restore.enhancer import EnhancementLimits, PackPhotoEnhancer
from lianpu.enhance.assembly import EnhancementParts, assemble_enhancements
from lianpu.errors import HomeUnwritableError, PackError, PackNotFoundError
from lianpu.gallery.assembly import assemble_gallery
from lianpu.gallery.gallery import Gallery
from lianpu.gallery.unfinished import mend_after_crash, run_retries
from lianpu.images.face_models import FaceAnalysisModel, FaceAttributesModel
from lianpu.images.images import Images
from lianpu.images.inference import Inference, InferenceTask
from lianpu.images.schemas import TaskAnswer
from lianpu.inference.registry import InferenceRegistry
from lianpu.jobs.events import JobEvents
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.ownership import ENHANCEMENT, INFERENCE
from lianpu.jobs.push.push import Push
from lianpu.jobs.workers import JobWorkers
from lianpu.models.pulling import PackPull, PullRequests
from lianpu.models.router import Models
from lianpu.models.shelf import Shelf
from lianpu.packs.download import Downloads
from lianpu.packs.folder import split_name
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import LivenessMode, Settings
from lianpu.storage.local import LocalStorage
from lianpu.streams.assembly import assemble_live, assemble_streams, assemble_unknowns
from lianpu.streams.delivery.assembly import Delivery, assemble_delivery
from lianpu.streams.inbox.unknowns import Unknowns
from lianpu.streams.live.live import Live
from lianpu.streams.streams import Streams

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Platform:
    settings: Settings
    database: Database
    sessions: OnnxSessionFactory
    registry: PackRegistry
    queue: InferenceQueue
    accounts: Accounts
    audit: Audit
    gallery: Gallery
    models: Models
    inference_models: InferenceRegistry
    images: Images
    inference: Inference
    jobs: Jobs
    workers: JobWorkers
    push: Push
    streams: Streams
    unknowns: Unknowns
    live: Live
    delivery: Delivery
    enhancement: EnhancementParts
    started_at: float = field(default_factory=time.monotonic)
    """`time.monotonic()` at the making."""

    async def checks(self) -> dict[str, str]:
        """What a ready platform needs, each `ok` or the reason why not."""
        checks = {"database": "ok", "pack": "ok"}
        try:
            await self.database.ping()
        except Exception as error:  # a driver raises what it likes; its class is enough to say
            checks["database"] = type(error).__name__
        active = self.gallery.analyzers.active
        if self.gallery.analyzers.at_hand() is None:
            name, version = split_name(active)
            states = [
                item
                for item in await asyncio.to_thread(self.registry.list)
                if item.name == name and version in {None, item.version}
            ]
            checks["pack"] = f"{active}: " + (states[-1].detail or states[-1].state.value if states else "not found")
        if self.settings.liveness.mode is not LivenessMode.OFF:
            checks["liveness"] = await asyncio.to_thread(self.gallery.liveness.problem) or "ok"
        if self.audit.log.problem is not None:
            checks["audit"] = self.audit.log.problem
        return checks


@asynccontextmanager
async def open_platform(
    settings: Settings,
    *,
    runs_jobs: bool = True,
    hash_cost: HashCost | None = None,
    photo_enhancer: PhotoEnhancer | None = None,
) -> AsyncGenerator[Platform]:
    """A platform that is ready for work: home made, schema newest, default pack loaded and its index filled.

    A default pack that cannot be used does not stop the start: `/health` and every call that needs it say why.

    Args:
        runs_jobs: work on the jobs of this home; only for the process that holds its lock.
        hash_cost: of new passwords; None: what is recommended.
        photo_enhancer: instead of the built-in one.

    Raises:
        EphemeralStoreError: `enhance.storage` names a Redis that keeps what it is given, or that cannot be reached.
        HomeUnwritableError: the home folder cannot be made or written.
    """
    prepare_home(settings)
    platform = build_platform(settings, hash_cost=hash_cost, photo_enhancer=photo_enhancer)
    try:
        await platform.database.migrate()
        await platform.gallery.default_pack.restore()
        await platform.gallery.shadow.restore()
        await platform.gallery.thresholds.restore()
        await _load_default_pack(platform)
        await _load_liveness(platform)
        async with platform.audit.running(), _working(platform) if runs_jobs else nullcontext():
            yield platform
    finally:
        platform.delivery.close()
        await platform.queue.close()
        await platform.accounts.close()
        await platform.database.close()


@asynccontextmanager
async def _working(platform: Platform) -> AsyncGenerator[None]:
    await mend_after_crash(platform.database, platform.gallery.changes.unfinished)
    await platform.images.clear(is_start=platform.database.is_sqlite)
    await platform.push.start()
    await platform.live.start()
    await platform.enhancement.held.start()
    await platform.workers.start()
    tasks = [
        asyncio.create_task(run)
        for run in (
            platform.jobs.run_clearing(),
            platform.gallery.transfers.run_clearing(platform.jobs),
            platform.gallery.shadow.run(),
            platform.inference_models.run_unloading(),
            platform.images.run_clearing(),
            platform.streams.run_reaper(),
            platform.streams.run_forgetting(),
            platform.streams.events.run_clearing(),
            *platform.delivery.runs(),
            platform.unknowns.inbox.run_clearing(),
            platform.enhancement.held.run(),
            run_retries(platform.database, platform.gallery.changes.unfinished),
        )
    ]
    try:
        await platform.streams.restore()
        yield
    finally:
        platform.live.close()
        await platform.streams.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await platform.workers.stop()
        await platform.enhancement.held.close()
        await platform.live.stop()
        await platform.push.stop()


def build_platform(
    settings: Settings, *, hash_cost: HashCost | None = None, photo_enhancer: PhotoEnhancer | None = None
) -> Platform:
    """Wire the parts; nothing is read, written or loaded yet."""
    home = settings.home
    database = database_of(settings)
    storage = LocalStorage(home)
    runtime = settings.runtime
    # Inference fills the cores already; OpenCV's own threads would only fight it. The setting is process-wide.
    cv2.setNumThreads(1)
    sessions = OnnxSessionFactory(providers=runtime.providers, threads=runtime.threads, spinning=runtime.spin)
    # A translation is checked against its recorded answers on the CPU: accelerators round more coarsely.
    registry = PackRegistry(home / "packs", home / "cache" / "packs", OnnxSessionFactory(providers=["cpu"]))
    queue = InferenceQueue(workers=runtime.workers or sessions.threads, capacity=runtime.queue_capacity)
    # Half of the workers are left to whoever waits for an answer.
    turns = asyncio.Semaphore(max(1, queue.numbers.workers // 2))
    assembly = assemble_gallery(
        settings, database=database, storage=storage, sessions=sessions, registry=registry, queue=queue, turns=turns
    )
    gallery = assembly.gallery
    # One handler a kind of job; everything that takes long is one of them.
    handlers = list(assembly.handlers)
    downloads = Downloads(
        home / "cache" / "downloads", mirrors=settings.packs.mirrors, allow_http=settings.packs.allow_http
    )
    shelf = Shelf(registry, gallery, downloads, settings.packs.catalogue, settings.packs.generate or ())
    handlers.append(PackPull(shelf, registry, sessions, downloads))
    inference_models = InferenceRegistry(
        home / "models",
        sessions,
        [partial(FaceAnalysisModel, gallery.analyzers), partial(FaceAttributesModel, gallery.analyzers, registry)],
        idle_unload_minutes=settings.inference.idle_unload_minutes,
    )
    limits = ImageLimits(max_pixels=settings.images.max_pixels, max_side_px=settings.images.max_side_px)
    images = Images(
        database,
        storage,
        queue,
        home / "uploads",
        limits=limits,
        max_bytes=settings.images.max_upload_bytes,
        max_per_user=settings.images.max_per_user,
    )
    inference = Inference(database, images, inference_models, queue)
    handlers.append(InferenceTask(inference, turns))
    accounts = accounts_of(settings, database, hash_cost=hash_cost)
    audit = build_audit(database, storage, lambda: accounts.secret.audit_key)
    events = JobEvents(retention=timedelta(hours=settings.push.retention_hours))
    enhancement = assemble_enhancements(
        settings,
        database=database,
        enhancer=photo_enhancer
        or PackPhotoEnhancer(
            registry,
            sessions,
            gallery.analyzers.get,
            limits=EnhancementLimits(limits, settings.enhance.max_output_pixels),
            time_budget_s=settings.enhance.time_budget_s,
        ),
        queue=queue,
        turns=turns,
        audit=audit,
        events=events,
        counters=accounts.counters,
    )
    handlers.append(enhancement.work)
    workers = JobWorkers(
        database,
        home / "jobs",
        handlers,
        workers=settings.jobs.workers,
        max_attempts=settings.jobs.max_attempts,
        events=events,
        apart=[enhancement.lane],
    )
    accounts.users.on_deletion(images.remove_all_of)
    jobs = Jobs(database, home / "jobs", workers, retention_days=settings.jobs.retention_days)
    push = Push(database, events, accounts, settings.push)
    push.changes.tell_with(INFERENCE, TaskAnswer.of)
    push.changes.tell_with(ENHANCEMENT, enhancement.pushed)
    models = Models(shelf, PullRequests(shelf, registry))
    unknowns = assemble_unknowns(settings, database=database, storage=storage, gallery=gallery, queue=queue)
    streams = assemble_streams(
        settings,
        database=database,
        gallery=gallery,
        queue=queue,
        inbox=unknowns.inbox,
        source_key=lambda: accounts.secret.source_key,
    )
    return Platform(
        settings,
        database,
        sessions,
        registry,
        queue,
        accounts,
        audit,
        gallery,
        models,
        inference_models,
        images,
        inference,
        jobs,
        workers,
        push,
        streams,
        unknowns,
        assemble_live(settings, database=database, gallery=gallery, queue=queue, push=push, streams=streams),
        assemble_delivery(
            settings, database=database, streams=streams, webhook_key=lambda: accounts.secret.webhook_key
        ),
        enhancement,
    )


def database_of(settings: Settings) -> Database:
    """Nothing is opened yet."""
    url = settings.database.url
    return Database(f"sqlite+aiosqlite:///{settings.home / 'lianpu.db'}" if url is None else url.get_secret_value())


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
    await platform.gallery.indexes.index_of(key, analyzer.dimension, analyzer.metric)


async def _load_liveness(platform: Platform) -> None:
    problem = await asyncio.to_thread(platform.gallery.liveness.problem)
    if problem is not None:
        _log.error("faces cannot be judged live: %s", problem)
