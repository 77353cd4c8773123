"""What a route does, in the words of the audit log, declared next to its access rule."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.requests import HTTPConnection

Figure = str | int | float | bool | None
Detail = Figure | Sequence["Detail"] | Mapping[str, "Detail"]
"""Ids, counts, scores and yes or no: what an entry may hold."""


class Action(StrEnum):
    """What is recorded; the part before the dot is what was acted upon."""

    ACCESS_REFUSED = "access.refused"
    """A request that was refused before it was known what it asks for."""
    SERVER_STARTED = "server.started"
    SERVER_STOPPED = "server.stopped"
    SERVER_MEASURE = "server.measure"
    AUDIT_READ = "audit.read"
    AUDIT_VERIFY = "audit.verify"
    AUDIT_EXPORT = "audit.export"

    ACCOUNT_SETUP = "account.setup"
    """The first administrator is made by the one-time link."""
    ACCOUNT_LOGIN = "account.login"
    """By password, or on by refresh token."""
    ACCOUNT_LOGOUT = "account.logout"
    ACCOUNT_READ = "account.read"
    ACCOUNT_UPDATE = "account.update"
    ACCOUNT_PASSWORD = "account.password"  # noqa: S105 (no password)
    ACCOUNT_SESSIONS = "account.sessions"
    ACCOUNT_END_SESSION = "account.end_session"
    USER_CREATE = "user.create"
    USER_LIST = "user.list"
    USER_READ = "user.read"
    USER_UPDATE = "user.update"
    USER_DELETE = "user.delete"
    KEY_CREATE = "key.create"
    KEY_LIST = "key.list"
    KEY_DELETE = "key.delete"

    FACE_DETECT = "face.detect"
    FACE_EMBED = "face.embed"
    FACE_COMPARE = "face.compare"
    FACE_SEARCH = "face.search"
    FACE_LIVE_SEARCH = "face.live_search"
    """By frames that a client goes on sending; recorded when it begins, and with what came of it when it ends."""
    PERSON_ENROL = "person.enrol"
    PERSON_LIST = "person.list"
    PERSON_READ = "person.read"
    PERSON_UPDATE = "person.update"
    PERSON_DELETE = "person.delete"
    PERSON_MERGE = "person.merge"
    PERSON_GENERATE = "person.generate_features"
    PHOTO_ADD = "photo.add"
    PHOTO_LIST = "photo.list"
    PHOTO_READ = "photo.read"
    PHOTO_CONTENT = "photo.content"
    PHOTO_THUMBNAIL = "photo.thumbnail"
    PHOTO_REPLACE = "photo.replace"
    PHOTO_UPDATE = "photo.update"
    PHOTO_DELETE = "photo.delete"
    PHOTO_MOVE = "photo.move"
    GALLERY_BULK_ENROL = "gallery.bulk_enrol"
    GALLERY_BULK_DELETE = "gallery.bulk_delete"
    GALLERY_REEMBED = "gallery.reembed"
    GALLERY_SHADOW = "gallery.shadow"
    GALLERY_SHADOW_READ = "gallery.shadow_read"
    GALLERY_CALIBRATE = "gallery.calibrate"
    GALLERY_CALIBRATION_READ = "gallery.calibration_read"
    GALLERY_HEALTH_CHECK = "gallery.health_check"
    GALLERY_HEALTH_READ = "gallery.health_read"
    GALLERY_FINDING_APPLY = "gallery.finding_apply"
    GALLERY_FINDING_DISMISS = "gallery.finding_dismiss"
    GALLERY_CHECK = "gallery.check"
    GALLERY_EXPORT = "gallery.export"
    GALLERY_EXPORT_DOWNLOAD = "gallery.export_download"
    GALLERY_IMPORT = "gallery.import"
    MODEL_PULL = "model.pull"
    MODEL_LOAD = "model.load"
    MODEL_UNLOAD = "model.unload"
    MODEL_REMOVE = "model.remove"
    MODEL_DEFAULT = "model.default"
    MODEL_THRESHOLD = "model.threshold"
    JOB_READ = "job.read"
    JOB_CANCEL = "job.cancel"
    JOB_RETRY = "job.retry"
    JOB_DELETE = "job.delete"

    STREAM_START = "stream.start"
    STREAM_PUSH = "stream.push"
    """A client begins to send frames, or has ended."""
    STREAM_STOP = "stream.stop"
    STREAM_LIST = "stream.list"
    STREAM_READ = "stream.read"
    STREAM_EXTEND = "stream.extend"
    STREAM_PAUSE = "stream.pause"
    STREAM_RESUME = "stream.resume"
    STREAM_WATCH = "stream.watch"
    STREAM_SNAPSHOT = "stream.snapshot"
    STREAM_EVENTS = "stream.events"
    STREAM_CROP = "stream.crop"
    RECORDING_START = "recording.start"
    RECORDING_STOP = "recording.stop"
    RECORDING_LIST = "recording.list"
    RECORDING_READ = "recording.read"
    RECORDING_DELETE = "recording.delete"
    UNKNOWN_LIST = "unknown.list"
    UNKNOWN_READ = "unknown.read"
    UNKNOWN_CROP = "unknown.crop"
    UNKNOWN_NAME = "unknown.name"
    UNKNOWN_VETO = "unknown.veto"
    UNKNOWN_MOVE = "unknown.move"
    UNKNOWN_MERGE = "unknown.merge"
    UNKNOWN_PURGE = "unknown.purge"

    WEBHOOK_CREATE = "webhook.create"
    WEBHOOK_LIST = "webhook.list"
    WEBHOOK_READ = "webhook.read"
    WEBHOOK_UPDATE = "webhook.update"
    WEBHOOK_DELETE = "webhook.delete"
    WEBHOOK_SECRET = "webhook.secret"  # noqa: S105 (no secret)
    WEBHOOK_TEST = "webhook.test"
    WEBHOOK_DELIVERIES = "webhook.deliveries"
    WEBHOOK_DEAD_LETTERS = "webhook.dead_letters"
    WEBHOOK_RETRY = "webhook.retry"
    WEBHOOK_PURGE = "webhook.purge"
    MQTT_READ = "mqtt.read"

    PROVENANCE_VERIFY = "provenance.verify"
    SWAP_RUN = "swap.run"
    SWAP_OUTPUT = "swap.output"
    """An output was labelled and may be fetched; of no request, but of the job."""
    SWAP_CHECK = "swap.check"
    SWAP_READ = "swap.read"
    SWAP_DOWNLOAD = "swap.download"
    SWAP_DELETE = "swap.delete"
    SWAP_POLICY = "swap.policy"
    """How swaps are labelled was changed."""
    SWAP_LIVE_START = "swap.live_start"
    SWAP_LIVE_STOP = "swap.live_stop"
    SWAP_LIVE_END = "swap.live_end"
    """A live swap ended, for whatever reason; of no request."""
    SWAP_LIVE_WATCH = "swap.live_watch"
    CONSENT_CREATE = "consent.create"
    CONSENT_READ = "consent.read"
    CONSENT_UPDATE = "consent.update"
    CONSENT_REVOKE = "consent.revoke"
    CONSENT_DELETE = "consent.delete"

    IMAGE_UPLOAD = "image.upload"
    IMAGE_LIST = "image.list"
    IMAGE_READ = "image.read"
    IMAGE_CONTENT = "image.content"
    IMAGE_THUMBNAIL = "image.thumbnail"
    IMAGE_DELETE = "image.delete"
    ENHANCEMENT_UPLOAD = "enhancement.upload"
    ENHANCEMENT_PROCESS = "enhancement.process"
    """A task has ended, by itself; recorded by the server."""
    ENHANCEMENT_READ = "enhancement.read"
    ENHANCEMENT_RETRIEVE = "enhancement.retrieve"
    ENHANCEMENT_CLEAN = "enhancement.clean"
    """By its owner, or by the server when its time is over."""
    INFERENCE_RUN = "inference.run"
    INFERENCE_READ = "inference.read"


@dataclass(slots=True)
class AuditNote:
    """The entry of one request while it is on its way; endpoints add what only they know.

    Ids, counts and figures. Never image content, vectors, names of persons, metadata, passwords or tokens.
    """

    check: Callable[[], Awaitable[None]] | None = None
    """Raises when nothing can be recorded."""
    target: str | None = None
    """Id of what is acted upon; else the first parameter of the path."""
    actor: tuple[str, str, str] | None = None
    """Kind, id and name, where the request itself makes known who it is."""
    detail: dict[str, Detail] = field(default_factory=dict[str, Detail])
    is_barred: bool = False
    """Nothing was done, since nothing could be recorded."""

    def about(self, target: str | None = None, **detail: Detail) -> None:
        """Say upon what the request acts, and what came of it; None says nothing."""
        self.target = self.target if target is None else target
        self.detail |= {name: value for name, value in detail.items() if value is not None}

    def acts_as(self, kind: str, actor_id: str, name: str) -> None:
        """Say who this is: a login brings no credential that would tell."""
        self.actor = (kind, actor_id, name)


class Audited:
    """A dependency of a route; the middleware reads `action` from the route that was found."""

    def __init__(self, action: Action, *, gathered: bool) -> None:
        self.action = action
        self.gathered = gathered

    async def __call__(self, connection: HTTPConnection) -> None:
        """
        Raises:
            AuditUnavailableError: nothing can be recorded, so nothing is done.
        """
        note = note_of(connection)
        if note.check is not None:
            note.is_barred = True
            await note.check()
            note.is_barred = False


def audited(action: Action, *, gathered: bool = False) -> Any:
    """For `dependencies=[…]` of a route, first of all: its answer leaves only once the entry is stored.

    Args:
        gathered: for calls that come in tens for one look at a page: the first of a minute by one caller is stored at
            once, the others as one entry at the minute's end.
    """
    return Depends(Audited(action, gathered=gathered))


def audited_of(route: object) -> Audited | None:
    """What a route declares."""
    if not isinstance(route, APIRoute | APIWebSocketRoute):
        return None
    found = [item.dependency for item in route.dependencies if isinstance(item.dependency, Audited)]
    return found[0] if len(found) == 1 else None


def note_of(connection: HTTPConnection) -> AuditNote:
    """Of this request."""
    note: AuditNote | None = getattr(connection.state, "audit", None)
    if note is None:
        connection.state.audit = note = AuditNote()
    return note


async def _note(connection: HTTPConnection) -> AuditNote:
    # Not `def`: FastAPI would send it through a thread.
    return note_of(connection)


AuditNoteDep = Annotated[AuditNote, Depends(_note)]
