"""What the API takes and gives about live swaps."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from lianpu.swap.consents.schemas import Purpose
from lianpu.swap.live.live import LiveEnd, LiveState, LiveSwapRecord
from lianpu.swap.schemas import ConsentId, EngineName


class LiveFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    stream_id: str = Field(max_length=64, description="A stream that runs.")
    consent_id: ConsentId
    purpose: Purpose
    engine: EngineName = "landmark"
    all_faces: bool = False
    virtual_camera: bool = Field(default=False, description="Send the labelled frames to the virtual camera, too.")


class LiveAnswer(BaseModel):
    live_id: str
    stream_id: str
    consent_id: str
    engine: str
    state: LiveState
    end_reason: LiveEnd | None = Field(description="Null: it runs.")
    end_detail: str | None
    started_at: datetime
    ended_at: datetime | None
    frames: int = Field(description="That were published.")
    frames_with_a_face: int
    fps: float
    virtual_camera: str | None = Field(description="The device that is written to.")
    feed_url: str | None = Field(description="Motion JPEG for `<img src>`, good for a while; null: it is over.")

    @classmethod
    def of(cls, record: LiveSwapRecord, feed_url: str) -> "LiveAnswer":
        return cls(
            live_id=record.id,
            stream_id=record.stream_id,
            consent_id=record.consent_id,
            engine=record.engine,
            state=record.state,
            end_reason=record.end_reason,
            end_detail=record.end_detail,
            started_at=record.started_at,
            ended_at=record.ended_at,
            frames=record.frames,
            frames_with_a_face=record.frames_with_a_face,
            fps=record.fps,
            virtual_camera=record.camera,
            feed_url=feed_url if record.end_reason is None else None,
        )


class LiveOnlyAnswer(BaseModel):
    live_swap: LiveAnswer
    request_id: str


class LiveListAnswer(BaseModel):
    live_swaps: list[LiveAnswer] = Field(description="One's own that run, then those that ended last.")
    request_id: str
