"""Puts face swaps together from the settings; nothing is read or opened yet."""

from dataclasses import dataclass
from datetime import timedelta

from lianpu.audit.audit import Audit
from lianpu.database.session import Database
from lianpu.engines.camera.sink import CameraFormat, VirtualCamera, open_camera
from lianpu.engines.image import ImageLimits
from lianpu.gallery.gallery import Gallery
from lianpu.jobs.jobs import Jobs
from lianpu.provenance.provenance import Provenance
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import CameraSettings, Settings
from lianpu.streams.streams import Streams
from lianpu.swap.consents.consents import Consents
from lianpu.swap.consents.policy import Policy
from lianpu.swap.engines import EngineShelf
from lianpu.swap.live.live import OpenCamera
from lianpu.swap.live.swaps import LiveSwaps
from lianpu.swap.run import SwapRun
from lianpu.swap.schemas import SwapLimits
from lianpu.swap.service import Swap
from lianpu.swap.source_face import SourceFaces


@dataclass(frozen=True, slots=True)
class SwapParts:
    """What both the routes and the jobs need."""

    policy: Policy
    consents: Consents
    sources: SourceFaces
    engines: EngineShelf
    provenance: Provenance
    audit: Audit


def swap_parts(
    settings: Settings,
    *,
    database: Database,
    gallery: Gallery,
    engines: EngineShelf,
    provenance: Provenance,
    audit: Audit,
) -> SwapParts:
    sources = SourceFaces(database, gallery.persons.read, _image_limits(settings))
    policy = Policy(database, enabled=settings.swap.enabled)
    return SwapParts(policy, Consents(database), sources, engines, provenance, audit)


def assemble_run(settings: Settings, parts: SwapParts) -> SwapRun:
    """The handler of the jobs."""
    return SwapRun(
        parts.policy,
        parts.consents,
        parts.sources,
        parts.engines,
        parts.provenance,
        parts.audit.log.append,
        time_limit_s=settings.swap.time_limit_s,
        result_ttl=timedelta(minutes=settings.swap.result_ttl_minutes),
    )


def assemble_swap(
    settings: Settings,
    parts: SwapParts,
    *,
    jobs: Jobs,
    streams: Streams,
    queue: InferenceQueue,
    opens_camera: OpenCamera,
) -> Swap:
    """
    Args:
        opens_camera: the virtual camera; raises CameraUnavailableError.
    """
    rules = settings.swap
    live = LiveSwaps(
        parts.policy,
        parts.consents,
        parts.sources,
        parts.engines,
        parts.provenance,
        streams,
        queue,
        parts.audit.log.append,
        max_active=rules.max_live,
        jpeg_quality=settings.streams.jpeg_quality,
        open_camera=opens_camera,
    )
    limits = SwapLimits(**rules.model_dump(exclude={"enabled"}))
    return Swap(parts.policy, parts.consents, parts.engines, live, jobs, limits, _image_limits(settings))


def camera_of(settings: CameraSettings) -> VirtualCamera:
    """Blocks.

    Raises:
        CameraUnavailableError: there is none, or it cannot be written.
    """
    return open_camera(CameraFormat(settings.width, settings.height, settings.fps), settings.device)


def _image_limits(settings: Settings) -> ImageLimits:
    return ImageLimits(max_pixels=settings.images.max_pixels, max_side_px=settings.images.max_side_px)
