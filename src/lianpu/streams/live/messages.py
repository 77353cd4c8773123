"""The messages of live connections."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from lianpu.gallery.schemas import LivenessModeField, NormalizedBox, PackName, PixelBox, Threshold
from lianpu.streams.overlay import Tone
from lianpu.streams.schemas import StreamEventAnswer


class SearchQuery(BaseModel):
    """What stands in the address of a live search."""

    model_config = ConfigDict(extra="forbid")

    pack: PackName | None = None
    threshold: Threshold | None = None
    liveness_mode: LivenessModeField = None


class SearchReady(BaseModel):
    """Frames may come."""

    type: Literal["ready"] = "ready"
    heartbeat_s: float = Field(description="A connection that is silent for much longer is broken.")
    max_frame_bytes: int
    max_frame_pixels: int
    pack: str = Field(examples=["dlib@1"])


class ImageSize(BaseModel):
    width: int
    height: int


class LiveFace(BaseModel):
    track: int = Field(description="The same number as long as it is the same face.")
    state: Tone
    person_id: str | None
    name: str | None
    score: float | None = Field(description="The best of this name; null without one.")
    is_match: bool
    is_live: bool | None = Field(description="Null: not judged.")
    box: PixelBox
    box_normalized: NormalizedBox


class SearchResult(BaseModel):
    """Who is in the picture; sent when that changed."""

    type: Literal["result"] = "result"
    frame: int = Field(description="The newest frame that was looked at; the client's first is 1.")
    dropped: int = Field(description="Frames that nobody looked at, so far.")
    image: ImageSize
    faces: list[LiveFace]


class FrameProblem(BaseModel):
    """A frame could not be looked at, and the one before could."""

    type: Literal["problem"] = "problem"
    frame: int
    code: str
    detail: str


class SearchHeartbeat(BaseModel):
    type: Literal["heartbeat"] = "heartbeat"
    received: int = Field(description="Frames, so far.")
    dropped: int


class PushReady(BaseModel):
    """Frames of the stream may come."""

    type: Literal["ready"] = "ready"
    heartbeat_s: float
    max_frame_bytes: int
    max_frame_pixels: int


class PushAck(BaseModel):
    """This frame was taken, and all before it were taken or dropped: send the next one."""

    type: Literal["ack"] = "ack"
    frame: int
    dropped: int = Field(description="Frames in whose place a newer one came before anybody took them, so far.")


class StreamEventMessage(BaseModel):
    type: Literal["event"] = "event"
    event_id: int = Field(description="Resume after it.")
    event: StreamEventAnswer
