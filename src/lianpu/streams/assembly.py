"""Puts streams together from the settings; nothing is read, written or opened yet."""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network

from lianpu.database.session import Database
from lianpu.engines.image import ImageLimits
from lianpu.gallery.gallery import Gallery
from lianpu.jobs.push.push import Push
from lianpu.leases.leases import Leases
from lianpu.nodes.asking import Asking
from lianpu.nodes.bus import Bus
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.settings import Settings, StreamSettings
from lianpu.storage.files import FileStorage
from lianpu.streams.addresses import SourceRules
from lianpu.streams.decoding import HardwareDecoding
from lianpu.streams.event_log import EventLog
from lianpu.streams.inbox.inbox import InboxRules, UnknownInbox
from lianpu.streams.inbox.naming import UnknownNaming
from lianpu.streams.inbox.review import InboxReview
from lianpu.streams.inbox.unknowns import Unknowns
from lianpu.streams.live.live import Live
from lianpu.streams.naming import FaceNaming
from lianpu.streams.nodes.shared import SharedStreams
from lianpu.streams.noticing import Noticing
from lianpu.streams.pipeline import PipelineOptions
from lianpu.streams.recording.recordings import Recordings
from lianpu.streams.running import RunParts, StreamRuns
from lianpu.streams.streams import Streams
from lianpu.streams.vault import SourceVault


def assemble_streams(
    settings: Settings,
    *,
    database: Database,
    gallery: Gallery,
    queue: InferenceQueue,
    inbox: UnknownInbox,
    bus: Bus,
    asking: Asking,
    node_id: str,
    source_key: Callable[[], bytes],
    on_latency: Callable[[float], None],
) -> Streams:
    """
    Args:
        node_id: of this process among others on its database; on SQLite there are none.
        source_key: gives the 32 bytes that sources are encrypted with.
        on_latency: as in `StreamRunner`.
    """
    rules = settings.streams
    events = EventLog(
        database, settings.home / "streams" / "crops", retention_days=rules.retention_days, keeps_crops=rules.keep_crops
    )
    parts = RunParts(
        naming=FaceNaming(gallery.recognition, gallery.liveness, database),
        queue=queue,
        noticing=Noticing(events, inbox, cooldown_s=rules.cooldown_s),
        vault=SourceVault(source_key),
        rules=source_rules(rules),
        pushed_limits=frame_limits(settings),
        pipeline_options=pipeline_options(rules),
        hardware=HardwareDecoding(rules.hardware_decoding),
        on_latency=on_latency,
    )
    leases = None if database.is_sqlite else Leases(database, node=node_id)
    runs = StreamRuns(database, parts, leases)
    shared = None
    if leases is not None:
        shared = SharedStreams(
            database, bus, asking, leases, runs, events, max_active=rules.max_active, takes_any=rules.run
        )
    return Streams(
        database, events, parts, runs, shared, max_active=rules.max_active, feed_lifetime_s=60 * rules.feed_minutes
    )


def assemble_recordings(settings: Settings, *, streams: Streams) -> Recordings:
    rules = settings.streams.recordings
    return Recordings(
        streams,
        settings.home / "streams" / "recordings",
        retention_days=rules.retention_days,
        max_bytes=rules.max_bytes,
        max_total_bytes=rules.max_total_bytes,
    )


def assemble_live(
    settings: Settings, *, database: Database, gallery: Gallery, queue: InferenceQueue, push: Push, streams: Streams
) -> Live:
    return Live(
        database,
        push,
        streams,
        FaceNaming(gallery.recognition, gallery.liveness, database),
        queue,
        settings=settings.live,
        push_settings=settings.push,
        pipeline_options=pipeline_options(settings.streams),
        limits=frame_limits(settings),
    )


def assemble_unknowns(
    settings: Settings, *, database: Database, storage: FileStorage, gallery: Gallery, queue: InferenceQueue
) -> Unknowns:
    rules = settings.streams.inbox
    inbox = UnknownInbox(
        database,
        storage,
        gallery.thresholds,
        InboxRules(
            enabled=rules.enabled,
            retention=timedelta(days=rules.retention_days),
            min_quality=rules.min_quality,
            max_faces=rules.max_faces,
            faces_per_unknown=rules.faces_per_unknown,
        ),
    )
    return Unknowns(
        inbox,
        InboxReview(database, inbox, gallery.recognition),
        UnknownNaming(database, inbox, gallery.enrolment, gallery.changes, queue),
    )


def pipeline_options(settings: StreamSettings) -> PipelineOptions:
    return PipelineOptions(
        detect_every=settings.detect_every,
        max_faces=settings.max_faces,
        min_quality=settings.min_quality,
        min_side_px=settings.min_face_px,
        recheck_s=settings.recheck_s,
        keeps_portraits=settings.inbox.enabled,
        jpeg_quality=settings.jpeg_quality,
    )


def frame_limits(settings: Settings) -> ImageLimits:
    """Of frames that clients send."""
    return ImageLimits(max_pixels=settings.live.max_frame_pixels, max_side_px=settings.images.max_side_px)


def source_rules(settings: StreamSettings) -> SourceRules:
    return SourceRules(
        schemes=frozenset(settings.schemes),
        hosts=frozenset(settings.hosts),
        networks=tuple(ip_network(network) for network in settings.networks),
        folders=tuple(settings.folders),
        webcams=tuple(settings.webcams),
    )
