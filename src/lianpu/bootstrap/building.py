"""Wires the parts of a platform by the settings; nothing is read, written or loaded yet."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path

import cv2

from lianpu.accounts.accounts import accounts_of
from lianpu.accounts.passwords import HashCost
from lianpu.audit.audit import build_audit
from lianpu.bootstrap.database_spans import trace_statements
from lianpu.bootstrap.engines import image_limits_of, photo_enhancer_of, sessions_of, swap_engines_of
from lianpu.bootstrap.moments import Moments
from lianpu.bootstrap.platform import Platform
from lianpu.bootstrap.readiness import Readiness
from lianpu.bootstrap.readings import add_readings
from lianpu.capacity.capacity import Capacity
from lianpu.capacity.measuring import MeasuredParts
from lianpu.compreface.compreface import assemble_compreface
from lianpu.database.session import Database
from lianpu.engines.face.analyzer import AnalyzerOptions
from lianpu.engines.restore.enhancement import PhotoEnhancer
from lianpu.enhance.assembly import assemble_enhancements
from lianpu.errors import SettingsError
from lianpu.gallery.assembly import assemble_gallery
from lianpu.images.face_models import FaceAnalysisModel, FaceAttributesModel
from lianpu.images.images import Images
from lianpu.images.inference import Inference, InferenceTask
from lianpu.images.schemas import TaskAnswer
from lianpu.inference.registry import InferenceRegistry
from lianpu.jobs.celery_queue import CeleryQueue
from lianpu.jobs.events import JobEvents
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.metrics import JobMetrics
from lianpu.jobs.ownership import ENHANCEMENT, INFERENCE
from lianpu.jobs.push.push import Push
from lianpu.jobs.queue import JobQueue, TableQueue
from lianpu.jobs.relay import JobRelay
from lianpu.jobs.workers import JobWorkers
from lianpu.models.pulling import PackPull, PullRequests
from lianpu.models.router import Models
from lianpu.models.shelf import Shelf
from lianpu.nodes.asking import Asking
from lianpu.nodes.bus import Bus, LocalBus
from lianpu.nodes.presence import Node
from lianpu.nodes.redis_bus import RedisBus
from lianpu.observability.history import History
from lianpu.observability.instruments import Instruments
from lianpu.observability.tracing import tracing_of
from lianpu.packs.download import Downloads
from lianpu.packs.registry import PackRegistry
from lianpu.provenance.assembly import assemble_provenance
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import Settings
from lianpu.storage.files import FileStorage
from lianpu.storage.local import LocalStorage
from lianpu.storage.s3 import Bucket, S3Storage
from lianpu.streams.assembly import assemble_live, assemble_recordings, assemble_streams, assemble_unknowns
from lianpu.streams.decoding import HardwareDecoding
from lianpu.streams.delivery.assembly import assemble_delivery
from lianpu.streams.metrics import StreamMetrics
from lianpu.swap.assembly import assemble_run, assemble_swap, camera_of, swap_parts


def build_platform(
    settings: Settings,
    *,
    node: Node | None = None,
    hash_cost: HashCost | None = None,
    photo_enhancer: PhotoEnhancer | None = None,
) -> Platform:
    """Wire the parts; nothing is read, written or loaded yet.

    Raises:
        SettingsError: they name what is not installed.
    """
    home = settings.home
    instruments = Instruments(tracing=tracing_of(settings.observability))
    instrument_registry = instruments.metrics.registry
    database = database_of(settings)
    if instruments.tracing is not None:
        trace_statements(database.engine, instruments.tracing)
    node = node or Node(home)
    bus = bus_of(settings)
    asking = Asking(bus, node.id)
    storage = storage_of(settings)
    runtime = settings.runtime
    # Inference fills the cores already; OpenCV's own threads would only fight it. The setting is process-wide.
    cv2.setNumThreads(1)
    sessions = sessions_of(settings)
    # A translation is checked against its recorded answers on the CPU: accelerators round more coarsely.
    registry = PackRegistry(home / "packs", home / "cache" / "packs", OnnxSessionFactory(providers=["cpu"]))
    queue = InferenceQueue(workers=runtime.workers or sessions.threads, capacity=runtime.queue_capacity)
    # Half of the workers are left to whoever waits for an answer.
    turns = asyncio.Semaphore(max(1, queue.numbers.workers // 2))
    assembly = assemble_gallery(
        settings,
        database=database,
        storage=storage,
        sessions=sessions,
        registry=registry,
        queue=queue,
        turns=turns,
        bus=bus,
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
    limits = image_limits_of(settings)
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
    accounts.users.on_deletion(images.remove_all_of)
    audit = build_audit(database, LocalStorage(home), lambda: accounts.secret.audit_key)
    provenance = assemble_provenance(
        settings, database=database, queue=queue, mark_key=lambda: accounts.secret.mark_key
    )
    engines = swap_engines_of(settings, registry, sessions, gallery.analyzers.get)
    parts = swap_parts(
        settings,
        database=database,
        gallery=gallery,
        engines=engines,
        provenance=provenance,
        audit=audit,
    )
    swap_run = assemble_run(settings, parts)
    handlers.append(swap_run)
    events = JobEvents(retention=timedelta(hours=settings.push.retention_hours))
    enhancement = assemble_enhancements(
        settings,
        database=database,
        enhancer=photo_enhancer or photo_enhancer_of(settings, registry, sessions, gallery.analyzers.get),
        queue=queue,
        turns=turns,
        audit=audit,
        provenance=provenance,
        events=events,
        counters=accounts.counters,
        node=node,
        asking=asking,
    )
    handlers.append(enhancement.work)
    capacity = Capacity(
        MeasuredParts(
            home=home,
            gallery=gallery,
            registry=registry,
            sessions=sessions,
            options=AnalyzerOptions(detector_input_size=settings.packs.detector_input_size),
            workers=queue.numbers.workers,
            hardware=HardwareDecoding(settings.streams.hardware_decoding),
            enhancer_of=partial(photo_enhancer_of, settings, registry, sessions),
        )
    )
    handlers.append(capacity.measurement)
    workers = JobWorkers(
        database,
        home / "jobs",
        handlers,
        workers=settings.jobs.workers,
        max_attempts=settings.jobs.max_attempts,
        events=events,
        apart=[enhancement.lane, capacity.lane],
        metrics=JobMetrics(instrument_registry),
        queue=queue_of(settings, bus),
    )
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
        bus=bus,
        asking=asking,
        node_id=node.id,
        source_key=lambda: accounts.secret.source_key,
        on_latency=StreamMetrics(instrument_registry).observe_latency,
    )
    compreface = assemble_compreface(enabled=settings.compreface.enabled, database=database, gallery=gallery)
    platform = Platform(
        settings=settings,
        database=database,
        node=node,
        bus=bus,
        asking=asking,
        sessions=sessions,
        registry=registry,
        queue=queue,
        accounts=accounts,
        audit=audit,
        gallery=gallery,
        models=models,
        inference_models=inference_models,
        images=images,
        inference=inference,
        jobs=jobs,
        workers=workers,
        relay=JobRelay(bus, events, workers),
        push=push,
        streams=streams,
        recordings=assemble_recordings(settings, streams=streams),
        unknowns=unknowns,
        live=assemble_live(settings, database=database, gallery=gallery, queue=queue, push=push, streams=streams),
        delivery=assemble_delivery(
            settings, database=database, streams=streams, webhook_key=lambda: accounts.secret.webhook_key
        ),
        provenance=provenance,
        swap=assemble_swap(
            settings, parts, jobs=jobs, streams=streams, queue=queue, opens_camera=partial(camera_of, settings.camera)
        ),
        swap_engines=engines,
        enhancement=enhancement,
        instruments=instruments,
        history=History(Moments(instruments, queue, jobs, streams).take),
        readiness=Readiness(settings, database, registry, gallery, audit, workers),
        compreface=compreface,
        capacity=capacity,
    )
    add_readings(platform, swap_run)
    return platform


def database_of(settings: Settings) -> Database:
    """Nothing is opened yet."""
    url = settings.database.url
    if url is None:
        return Database(f"sqlite+aiosqlite:///{_database_file(settings)}")
    return Database(url.get_secret_value(), max_connections=settings.database.max_connections)


def storage_of(settings: Settings) -> FileStorage:
    """Of images; nothing is reached yet.

    Raises:
        SettingsError: they lie in S3, and a setting or the package for it is missing.
    """
    chosen = settings.storage
    if chosen.kind == "folder":
        return LocalStorage(settings.home)
    key, secret = chosen.access_key_id, chosen.secret_access_key
    if chosen.bucket is None or (key is None) != (secret is None):
        raise SettingsError(
            "storage.kind is s3: storage.bucket is needed, and storage.access_key_id and storage.secret_access_key "
            "are given both or not at all."
        )
    return S3Storage(
        Bucket(
            name=chosen.bucket,
            prefix=chosen.prefix or "",
            endpoint=chosen.endpoint,
            region=chosen.region,
            access_key_id=None if key is None else key.get_secret_value(),
            secret_access_key=None if secret is None else secret.get_secret_value(),
        )
    )


def bus_of(settings: Settings) -> Bus:
    """Nothing is reached yet.

    Raises:
        SettingsError: `nodes.redis` names a Redis, and the package for it is not installed.
    """
    url = settings.nodes.redis
    return LocalBus() if url is None else RedisBus(url.get_secret_value())


def queue_of(settings: Settings, bus: Bus) -> JobQueue:
    """Nothing is reached yet.

    Raises:
        SettingsError: `jobs.broker` names a broker, and no worker could run jobs, or its package is not installed.
    """
    url = settings.jobs.broker
    if url is None:
        return TableQueue(bus)
    if not settings.database.is_server:
        raise SettingsError(
            "jobs.broker leaves all jobs to workers, and those share a database server: database.url names none."
        )
    return CeleryQueue(url.get_secret_value())


def has_database(settings: Settings) -> bool:
    """False: it would be a file of the home, and no server has made it yet. Of a database elsewhere nothing is asked.

    Raises:
        OSError: the home cannot be looked at.
    """
    return settings.database.url is not None or _database_file(settings).is_file()


def _database_file(settings: Settings) -> Path:
    return settings.home / "lianpu.db"
