"""Everything that a server is made of."""

import time
from dataclasses import dataclass, field

from lianpu.accounts.accounts import Accounts
from lianpu.audit.audit import Audit
from lianpu.bootstrap.readiness import Readiness
from lianpu.capacity.capacity import Capacity
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
from lianpu.jobs.relay import JobRelay
from lianpu.jobs.workers import JobWorkers
from lianpu.models.router import Models
from lianpu.nodes.asking import Asking
from lianpu.nodes.bus import Bus
from lianpu.nodes.presence import Node
from lianpu.observability.history import History
from lianpu.observability.instruments import Instruments
from lianpu.packs.registry import PackRegistry
from lianpu.provenance.provenance import Provenance
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.runtime.sessions import Sessions
from lianpu.settings import Settings
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
    node: Node
    bus: Bus
    asking: Asking
    sessions: Sessions
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
    relay: JobRelay
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
    instruments: Instruments
    history: History
    readiness: Readiness
    compreface: CompreFace
    capacity: Capacity
    started_at: float = field(default_factory=time.monotonic)
    """`time.monotonic()` at the making."""
