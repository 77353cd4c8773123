"""Photo enhancement, put together from the settings."""

import asyncio
from dataclasses import dataclass

from pydantic import SecretStr

from lianpu.audit.audit import Audit
from lianpu.database.session import Database
from lianpu.engines.restore.enhancement import PhotoEnhancer
from lianpu.enhance.admission import Admission
from lianpu.enhance.answers import answer_questions, pushed_of
from lianpu.enhance.enhancements import Enhancements
from lianpu.enhance.held import HeldEnhancements
from lianpu.enhance.schemas import PushedEnhancement
from lianpu.enhance.working import EnhancementWork
from lianpu.http.counters import Counters
from lianpu.http.rate_limit import RateLimit
from lianpu.jobs.events import JobEvents
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.models import Job
from lianpu.jobs.ownership import ENHANCEMENT
from lianpu.jobs.workers import Lane
from lianpu.nodes.asking import Asking
from lianpu.nodes.presence import Node
from lianpu.provenance.provenance import Provenance
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import EnhanceSettings, Settings
from lianpu.storage.ephemeral import EphemeralStore, MemoryStore
from lianpu.storage.ephemeral_redis import RedisStore


@dataclass(frozen=True)
class EnhancementParts:
    database: Database
    held: HeldEnhancements
    work: EnhancementWork
    enhancer: PhotoEnhancer
    asking: Asking
    rate: RateLimit
    settings: EnhanceSettings

    @property
    def lane(self) -> Lane:
        """Workers of its own, for what lies in this process."""
        return Lane(frozenset({ENHANCEMENT}), self.settings.max_active, self.held.waiting)

    def pushed(self, job: Job) -> PushedEnhancement:
        return pushed_of(job, self.held.get(job.id))

    def seen_by(self, jobs: Jobs) -> Enhancements:
        """As routes see them; `jobs`: as the server does."""
        return Enhancements(
            self.database, self.held, self.work, self.enhancer, jobs, self.asking, self.rate, self.settings
        )


def assemble_enhancements(
    settings: Settings,
    *,
    database: Database,
    enhancer: PhotoEnhancer,
    queue: InferenceQueue,
    turns: asyncio.Semaphore,
    audit: Audit,
    provenance: Provenance,
    events: JobEvents,
    counters: Counters,
    node: Node,
    asking: Asking,
) -> EnhancementParts:
    """Nothing is read or reached yet.

    Raises:
        SettingsError: `enhance.storage` names a Redis, and the package for it is not installed.
    """
    own = settings.enhance
    admission = Admission(
        max_tasks=own.max_active + own.max_waiting,
        max_held_bytes=own.max_held_bytes,
        turns=max(1, queue.numbers.workers // 2),
    )
    held = HeldEnhancements(database, _store(own), admission, audit, events, node)
    work = EnhancementWork(held, enhancer, queue, turns, provenance, own)
    rate = RateLimit(counters, own.per_user, "enhance", "photos and archives sent to be enhanced")
    answer_questions(asking, held)
    return EnhancementParts(database, held, work, enhancer, asking, rate, own)


def _store(settings: EnhanceSettings) -> EphemeralStore:
    if isinstance(settings.storage, SecretStr):
        return RedisStore(settings.storage.get_secret_value())
    return MemoryStore()
