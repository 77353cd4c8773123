"""Everything that a server is made of, and whether it is ready."""

import asyncio
import time
from dataclasses import dataclass, field

from lianpu.accounts.accounts import Accounts
from lianpu.audit.audit import Audit
from lianpu.compreface.compreface import CompreFace
from lianpu.database.session import Database
from lianpu.engines.swap.engine import SwapEngines
from lianpu.enhance.assembly import EnhancementParts
from lianpu.gallery.gallery import Gallery
from lianpu.images.images import Images
from lianpu.images.inference import Inference
from lianpu.inference.registry import InferenceRegistry
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.push.push import Push
from lianpu.jobs.workers import JobWorkers
from lianpu.models.router import Models
from lianpu.packs.folder import split_name
from lianpu.packs.registry import PackRegistry
from lianpu.provenance.provenance import Provenance
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import LivenessMode, Settings
from lianpu.streams.delivery.assembly import Delivery
from lianpu.streams.inbox.unknowns import Unknowns
from lianpu.streams.live.live import Live
from lianpu.streams.recording.recordings import Recordings
from lianpu.streams.streams import Streams
from lianpu.swap.service import Swap


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
    recordings: Recordings
    unknowns: Unknowns
    live: Live
    delivery: Delivery
    provenance: Provenance
    swap: Swap
    swap_engines: SwapEngines
    enhancement: EnhancementParts
    compreface: CompreFace
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
