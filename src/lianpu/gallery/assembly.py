"""The gallery put together: its parts over one database, storage, registry and queue, and the jobs it needs run."""

import asyncio
from dataclasses import dataclass

from lianpu.database.session import Database
from lianpu.engines.face.analyzer import AnalyzerOptions
from lianpu.engines.face.quality import QualityLimits
from lianpu.engines.image import ImageLimits
from lianpu.evaluation.plots import Plots
from lianpu.gallery.analyzers import Analyzers
from lianpu.gallery.bulk.enrolment import BulkEnrolment
from lianpu.gallery.bulk.requests import BulkRequests
from lianpu.gallery.changes import GalleryChanges
from lianpu.gallery.checks import ConflictCheck
from lianpu.gallery.consistency.check import ConsistencyCheck
from lianpu.gallery.consistency.repairs import Repairs
from lianpu.gallery.enrolment import Enrolment, EnrolmentRules
from lianpu.gallery.following import GalleryFollowing
from lianpu.gallery.gallery import Gallery
from lianpu.gallery.generation import Generation
from lianpu.gallery.index_engine import engine_of
from lianpu.gallery.indexes import GalleryIndexes
from lianpu.gallery.insights.calibration import Calibration
from lianpu.gallery.insights.health import HealthCheck
from lianpu.gallery.insights.health_reports import HealthReports
from lianpu.gallery.insights.insights import Insights
from lianpu.gallery.liveness import LivenessCheck
from lianpu.gallery.moves.moves import Moves
from lianpu.gallery.packs.coverage import Coverage
from lianpu.gallery.packs.default_pack import STATE as DEFAULT_PACK_STATE
from lianpu.gallery.packs.default_pack import DefaultPack
from lianpu.gallery.packs.reembedding import GENERATE_FEATURES, REEMBED, Reembedding, ReembeddingRequests
from lianpu.gallery.packs.shadow import STATE as SHADOW_STATE
from lianpu.gallery.packs.shadow import Shadow
from lianpu.gallery.persons import Persons
from lianpu.gallery.recognition import Recognition
from lianpu.gallery.thresholds import STATE_KEY as THRESHOLDS_STATE
from lianpu.gallery.thresholds import GalleryThresholds
from lianpu.gallery.transfer.exporting import Export
from lianpu.gallery.transfer.importing import Import
from lianpu.gallery.transfer.requests import Transfers
from lianpu.gallery.transfer.signing import SigningKey
from lianpu.jobs.handler import JobHandler
from lianpu.nodes.bus import Bus
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.runtime.sessions import Sessions
from lianpu.settings import Settings
from lianpu.storage.archive import ArchiveLimits
from lianpu.storage.files import FileStorage
from lianpu.vectors.pairs import ScanLimits


@dataclass(frozen=True, slots=True)
class GalleryAssembly:
    gallery: Gallery
    handlers: list[JobHandler]
    """One a kind of job of the gallery."""


def assemble_gallery(
    settings: Settings,
    *,
    database: Database,
    storage: FileStorage,
    sessions: Sessions,
    registry: PackRegistry,
    queue: InferenceQueue,
    turns: asyncio.Semaphore,
    bus: Bus,
) -> GalleryAssembly:
    """Wire the parts; nothing is read, written or loaded yet.

    Args:
        turns: inferences at once, of all jobs together.
    """
    home = settings.home
    limits = ImageLimits(max_pixels=settings.images.max_pixels, max_side_px=settings.images.max_side_px)
    options = AnalyzerOptions(detector_input_size=settings.packs.detector_input_size)
    analyzers = Analyzers(registry, sessions, settings.packs.default, options)
    indexes = GalleryIndexes(database, engine_of(settings, threads=sessions.threads, is_alone=database.is_sqlite))
    changes = GalleryChanges(database, storage, indexes)
    liveness = LivenessCheck(registry, sessions, **settings.liveness.model_dump())
    max_faces = settings.gallery.max_faces
    generation = Generation(analyzers, settings.packs.generate or (), max_faces=max_faces)
    coverage = Coverage(database)
    thresholds = GalleryThresholds(database, changes)
    recognition = Recognition(
        analyzers, queue, indexes, database, liveness, thresholds, limits=limits, max_faces=max_faces
    )
    shadow = Shadow(recognition, analyzers, generation, coverage, database, changes, queue)
    recognition.on_search(shadow.offer)
    persons = Persons(database, changes, storage, indexes)
    moves = Moves(changes)
    reembedding = ReembeddingRequests(analyzers, queue, database)
    health_check = HealthCheck(
        analyzers,
        queue,
        database,
        thresholds,
        quality=_enrolment_rules(settings).quality,
        limits=ScanLimits(settings.health.max_comparisons, with_distribution=False),
    )
    signing_key = SigningKey(home / "keys" / "signing.pem")
    enrolment = Enrolment(
        queue,
        changes,
        ConflictCheck(indexes, thresholds),
        liveness,
        generation=generation,
        limits=limits,
        max_faces=max_faces,
        thumbnail_side_px=settings.gallery.thumbnail_side_px,
        rules=_enrolment_rules(settings),
    )
    archive_limits = ArchiveLimits(
        max_items=settings.bulk.max_items,
        max_item_bytes=settings.bulk.max_item_bytes,
        max_total_bytes=settings.bulk.max_unpacked_bytes,
        max_ratio=settings.bulk.max_ratio,
    )
    default_pack = DefaultPack(
        analyzers, generation, coverage, indexes, changes, database, queue, configured=settings.packs.default
    )
    for state_key, read in (
        (THRESHOLDS_STATE, thresholds.restore),
        (DEFAULT_PACK_STATE, default_pack.follow),
        (SHADOW_STATE, shadow.follow),
    ):
        indexes.follow_state(state_key, read)
    gallery = Gallery(
        persons=persons,
        enrolment=enrolment,
        recognition=recognition,
        liveness=liveness,
        analyzers=analyzers,
        indexes=indexes,
        coverage=coverage,
        thresholds=thresholds,
        default_pack=default_pack,
        shadow=shadow,
        moves=moves,
        bulk=BulkRequests(BulkEnrolment.kind, database, archive_limits),
        transfers=Transfers(
            database,
            signing_key,
            trusted_keys=tuple(settings.transfer.trusted_keys),
            archive_ttl_hours=settings.transfer.archive_ttl_hours,
        ),
        changes=changes,
        following=GalleryFollowing(database, indexes, changes, bus),
        reembedding=reembedding,
        insights=Insights(analyzers, queue, database, thresholds),
        health=HealthReports(database, health_check, persons, moves, reembedding),
    )
    handlers: list[JobHandler] = [
        Reembedding(
            analyzers, queue, changes, database, storage, kind=kind, turns=turns, limits=limits, max_faces=max_faces
        )
        for kind in (REEMBED, GENERATE_FEATURES)
    ]
    handlers.append(health_check)
    handlers.append(BulkEnrolment(enrolment, changes, database, queue, archive_limits))
    handlers.append(
        Calibration(
            analyzers,
            queue,
            database,
            thresholds,
            Plots(home / "cache" / "matplotlib"),
            limits=ScanLimits(settings.calibration.max_comparisons),
        )
    )
    handlers.extend(
        (
            Export(database, storage, registry, signing_key),
            Import(
                database,
                changes,
                registry,
                analyzers,
                home,
                limits=limits,
                thumbnail_side_px=settings.gallery.thumbnail_side_px,
            ),
            ConsistencyCheck(
                database,
                storage,
                changes,
                indexes,
                Repairs(
                    changes,
                    indexes,
                    storage,
                    home / "jobs",
                    limits=limits,
                    thumbnail_side_px=settings.gallery.thumbnail_side_px,
                ),
                home / "jobs",
            ),
        )
    )
    return GalleryAssembly(gallery, handlers)


def _enrolment_rules(settings: Settings) -> EnrolmentRules:
    limits = settings.quality.model_dump(exclude={"mode"})
    return EnrolmentRules(QualityLimits(**limits), settings.quality.mode, settings.conflicts.mode)
