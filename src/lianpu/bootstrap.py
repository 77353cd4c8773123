"""The composition root: settings become one platform of database, storage, engines, index and queue."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import cv2

from lianpu.database.session import Database
from lianpu.engines.image import ImageLimits
from lianpu.errors import HomeUnwritableError, PackError, PackNotFoundError
from lianpu.gallery.analyzers import Analyzers
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.enrolment import Enrolment
from lianpu.gallery.gallery import Gallery
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.persons import Persons
from lianpu.gallery.recognition import Recognition
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import Settings
from lianpu.storage.local import LocalStorage
from lianpu.vectors.exact import ExactIndex

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Platform:
    settings: Settings
    database: Database
    sessions: OnnxSessionFactory
    registry: PackRegistry
    queue: InferenceQueue
    gallery: Gallery
    started_at: float = field(default_factory=time.monotonic)
    """`time.monotonic()` at the making."""

    async def checks(self) -> dict[str, str]:
        """What a ready platform needs, each `ok` or the reason why not."""
        checks = {"database": "ok", "pack": "ok"}
        try:
            await self.database.ping()
        except Exception as error:  # a driver raises what it likes; its class is enough to say
            checks["database"] = type(error).__name__
        if self.settings.packs.default not in self.gallery.analyzers.loaded():
            states = {item.name: item for item in await asyncio.to_thread(self.registry.list)}
            state = states.get(self.settings.packs.default)
            checks["pack"] = "not found" if state is None else state.detail or state.state.value
        return checks


@asynccontextmanager
async def open_platform(settings: Settings) -> AsyncGenerator[Platform]:
    """A platform that is ready for work: home made, schema newest, default pack loaded and its index filled.

    A default pack that cannot be used does not stop the start: `/health` and every call that needs it say why.

    Raises:
        HomeUnwritableError: the home folder cannot be made or written.
    """
    prepare_home(settings)
    platform = build_platform(settings)
    try:
        await platform.database.migrate()
        await _load_default_pack(platform)
        yield platform
    finally:
        await platform.queue.close()
        await platform.database.close()


def build_platform(settings: Settings) -> Platform:
    """Wire the parts; nothing is read, written or loaded yet."""
    home = settings.home
    url = settings.database.url
    database = Database(f"sqlite+aiosqlite:///{home / 'lianpu.db'}" if url is None else url.get_secret_value())
    storage = LocalStorage(home)
    runtime = settings.runtime
    # Inference fills the cores already; OpenCV's own threads would only fight it. The setting is process-wide.
    cv2.setNumThreads(1)
    sessions = OnnxSessionFactory(providers=runtime.providers, threads=runtime.threads, spinning=runtime.spin)
    # A translation is checked against its recorded answers on the CPU: accelerators round more coarsely.
    registry = PackRegistry(home / "packs", home / "cache" / "packs", OnnxSessionFactory(providers=["cpu"]))
    queue = InferenceQueue(workers=runtime.workers or sessions.threads, capacity=runtime.queue_capacity)
    limits = ImageLimits(max_pixels=settings.images.max_pixels, max_side_px=settings.images.max_side_px)
    analyzers = Analyzers(registry, sessions, settings.packs.default)
    indexes = GalleryIndexes(database, ExactIndex)
    changes = GalleryChanges(database, storage, indexes)
    max_faces = settings.gallery.max_faces
    gallery = Gallery(
        persons=Persons(database, changes, storage),
        enrolment=Enrolment(
            analyzers,
            queue,
            changes,
            packs=tuple(settings.packs.generate or [settings.packs.default]),
            limits=limits,
            max_faces=max_faces,
            thumbnail_side_px=settings.gallery.thumbnail_side_px,
        ),
        recognition=Recognition(analyzers, queue, indexes, database, limits=limits, max_faces=max_faces),
        analyzers=analyzers,
        indexes=indexes,
    )
    return Platform(settings, database, sessions, registry, queue, gallery)


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
