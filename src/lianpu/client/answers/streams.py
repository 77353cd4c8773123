"""Live video: streams, their events, recordings."""

from datetime import datetime

from lianpu.client.answers.record import Record


class StreamHealth(Record):
    source_fps: float
    processed_fps: float
    """Frames a second that faces were looked for in."""
    published_fps: float
    """Pictures a second that viewers are shown."""
    dropped_total: int
    latency_p50_ms: float | None
    """From a frame's decoding until its names were there."""
    latency_p95_ms: float | None
    persons: int
    """In the picture now."""
    viewers: int
    detect_every: int
    """Faces are looked for in every k-th frame now: in fewer than asked for while the machine is busy."""
    pack: str
    """`name@version` that faces are recognised by now."""
    decoded: str
    """Which frames are decoded: fewer than all while the machine cannot keep up with the source."""
    decoder: str | None
    """What decodes the video; null: no frame yet."""
    decoding_device: str | None
    """Where: `software`, or a type of hardware device."""
    decoding_notice: str | None
    """Why it is not the device that the settings ask for."""


class Stream(Record):
    stream_id: str
    name: str
    source: str
    """Credentials are masked."""
    state: str
    reason: str | None
    """Why it is in this state, in words."""
    end_reason: str | None
    """Null: it runs."""
    started_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    lifetime_minutes: float
    permanent: bool
    pack: str | None
    threshold: float | None
    detect_every: int | None
    detection_paused: bool
    health: StreamHealth | None
    """Null: the stream is over."""
    feed_url: str | None
    """Good for a while, without any header; null: the stream is over."""


class Streams(Record):
    active_streams_count: int
    streams: tuple[Stream, ...]
    ended: tuple[Stream, ...]
    """The one that ended last first; only where they were asked for."""
    request_id: str


class StreamEvent(Record):
    event_id: str
    stream_id: str
    kind: str
    person_id: str | None
    person_name: str | None
    track: int
    score: float | None
    quality: float
    is_live: bool | None
    at: datetime
    crop_url: str | None


class Recording(Record):
    recording_id: str
    stream_id: str
    stream_name: str
    started_at: datetime
    ended_at: datetime | None
    """Null: it goes on."""
    end_reason: str | None
    end_detail: str | None
    frames: int
    dropped: int
    """Pictures that were left out because the disk or the processor was too slow."""
    bytes: int
    video_url: str | None
    """Null: it goes on, or holds no picture and was not kept."""


class Recordings(Record):
    recordings: tuple[Recording, ...]
    bytes_total: int
    """Of all that are listed."""
    request_id: str
