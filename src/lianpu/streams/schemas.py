"""What the routes of streams take and answer."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lianpu.streams.events import EventKind
from lianpu.streams.health import EndReason
from lianpu.streams.models import NAME_MAX_CHARS, StreamEvent
from lianpu.streams.records import FOREVER, StreamOptions, StreamRecord
from lianpu.streams.shedding import Decoded

LONGEST_MINUTES = 366 * 24 * 60


def _lifetime(minutes: float) -> float:
    if minutes != FOREVER and not 0 < minutes <= LONGEST_MINUTES:
        raise ValueError(f"must be -1 (for ever) or up to {LONGEST_MINUTES} minutes")
    return minutes


Lifetime = Annotated[float, AfterValidator(_lifetime)]


class StartFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: str = Field(
        max_length=4000,
        description="An RTSP, HTTP(S) or HLS address, a file in an allowed folder, `webcam:` and an index, or `push:`.",
        examples=["rtsp://user:password@192.168.1.20:554/stream1"],
    )
    name: str = Field(default="", max_length=NAME_MAX_CHARS, examples=["Entrance"])
    lifetime_minutes: Lifetime = Field(default=60.0, description="-1: until it is stopped.")
    pack: str | None = Field(default=None, description="`name` or `name@version`; null: the default pack.")
    threshold: float | None = Field(default=None, ge=0, le=1, description="Score 0…1; null: the gallery's.")
    detect_every: int | None = Field(
        default=None, ge=1, le=60, description="Look for faces in every k-th frame; null: as the settings say."
    )
    stop_when_unwatched: bool = Field(default=False, description="End when nobody has watched for ten seconds.")
    permanent: bool = Field(default=False, description="Begin again when the server does.")
    paced: bool = Field(default=True, description="Files at their own speed; else as fast as they can be decoded.")
    loop: bool = Field(default=False, description="Files begin again at their end.")

    @property
    def options(self) -> StreamOptions:
        return StreamOptions(
            self.pack, self.threshold, self.detect_every, self.stop_when_unwatched, self.paced, self.loop
        )


class StreamIdFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    stream_id: str = Field(max_length=64)


class ExtendFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    lifetime_minutes: Lifetime = Field(description="From now on; -1: until it is stopped.")


class HealthAnswer(BaseModel):
    source_fps: float
    processed_fps: float = Field(description="Frames a second that faces were looked for in.")
    published_fps: float = Field(description="Pictures a second that viewers are shown.")
    dropped_total: int
    latency_p50_ms: float | None = Field(description="From a frame's decoding until its names were there.")
    latency_p95_ms: float | None
    persons: int = Field(description="In the picture now.")
    viewers: int
    detect_every: int = Field(
        description="Faces are looked for in every k-th frame now: in fewer than asked for while the machine is busy."
    )
    pack: str = Field(description="`name@version` that faces are recognised by now.", examples=["dlib@1"])
    decoded: Decoded = Field(
        description="Which frames are decoded: fewer than all while the machine cannot keep up with the source."
    )
    decoder: str | None = Field(description="What decodes the video; null: no frame yet.", examples=["h264"])
    decoding_device: str | None = Field(
        description="Where: `software`, or a type of hardware device.", examples=["software", "cuda"]
    )
    decoding_notice: str | None = Field(description="Why it is not the device that the settings ask for.")


class StreamAnswer(BaseModel):
    stream_id: str
    name: str
    source: str = Field(description="Credentials are masked.", examples=["rtsp://***@192.168.1.20:554/stream1"])
    state: str = Field(examples=["running"])
    reason: str | None = Field(description="Why it is in this state, in words.")
    end_reason: EndReason | None = Field(description="Null: it runs.")
    started_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    lifetime_minutes: float
    permanent: bool
    pack: str | None
    threshold: float | None
    detect_every: int | None
    detection_paused: bool
    health: HealthAnswer | None = Field(description="Null: the stream is over.")
    feed_url: str | None = Field(description="Good for a while, without any header; null: the stream is over.")

    @classmethod
    def of(cls, record: StreamRecord, feed_url: str | None) -> "StreamAnswer":
        row, health = record.row, record.health
        return cls(
            stream_id=row.id,
            name=row.name,
            source=row.shown,
            state=health.state.value if health is not None else "failed" if row.end_detail else "ended",
            reason=health.reason if health is not None else row.end_detail or row.end_reason,
            end_reason=None if row.end_reason is None else EndReason(row.end_reason),
            started_at=row.started_at,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            lifetime_minutes=row.lifetime_minutes,
            permanent=row.is_permanent,
            pack=record.options.pack,
            threshold=record.options.threshold,
            detect_every=record.options.detect_every,
            detection_paused=record.detection_paused,
            health=None
            if health is None
            else HealthAnswer(
                source_fps=health.source_fps,
                processed_fps=health.processed_fps,
                published_fps=health.published_fps,
                dropped_total=health.dropped_total,
                latency_p50_ms=health.latency_p50_ms,
                latency_p95_ms=health.latency_p95_ms,
                persons=health.persons,
                viewers=health.viewers,
                detect_every=health.detect_every,
                pack=record.pack_in_use or "",
                decoded=health.decoded,
                decoder=None if health.decoder is None else health.decoder.codec,
                decoding_device=None if health.decoder is None else health.decoder.device,
                decoding_notice=None if health.decoder is None else health.decoder.notice,
            ),
            feed_url=None if health is None or health.state.is_over else feed_url,
        )


class StreamOnlyAnswer(BaseModel):
    stream: StreamAnswer
    request_id: str


class StreamListAnswer(BaseModel):
    active_streams_count: int
    streams: list[StreamAnswer]
    ended: list[StreamAnswer] = Field(description="The one that ended last first; only where they were asked for.")
    request_id: str


class StreamEventAnswer(BaseModel):
    event_id: str
    stream_id: str
    kind: EventKind
    person_id: str | None
    person_name: str | None
    track: int
    score: float | None
    quality: float
    is_live: bool | None
    at: datetime
    crop_url: str | None

    @classmethod
    def of(cls, event: StreamEvent) -> "StreamEventAnswer":
        path = f"/api/v1/stream/{event.stream_id}/events/{event.id}/crop"
        return cls(
            event_id=event.id,
            stream_id=event.stream_id,
            kind=EventKind(event.kind),
            person_id=event.person_id,
            person_name=event.person_name,
            track=event.track,
            score=None if event.score is None else round(event.score, 4),
            quality=round(event.quality, 3),
            is_live=event.is_live,
            at=event.at,
            crop_url=path if event.has_crop else None,
        )


class StreamEventsAnswer(BaseModel):
    events: list[StreamEventAnswer]
    next_cursor: str | None
    request_id: str
