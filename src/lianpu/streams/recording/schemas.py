"""What the routes of recordings answer."""

from datetime import datetime

from pydantic import BaseModel, Field

from lianpu.streams.recording.shelf import Recording
from lianpu.streams.recording.writer import RecordingEnd


class RecordingAnswer(BaseModel):
    recording_id: str
    stream_id: str
    stream_name: str
    started_at: datetime
    ended_at: datetime | None = Field(description="Null: it goes on.")
    end_reason: RecordingEnd | None
    end_detail: str | None
    frames: int
    dropped: int = Field(description="Pictures that were left out because the disk or the processor was too slow.")
    bytes: int
    video_url: str | None = Field(description="Null: it goes on, or holds no picture and was not kept.")

    @classmethod
    def of(cls, recording: Recording) -> "RecordingAnswer":
        is_there = recording.ended_at is not None and recording.bytes > 0
        return cls(
            recording_id=recording.id,
            stream_id=recording.stream_id,
            stream_name=recording.stream_name,
            started_at=recording.started_at,
            ended_at=recording.ended_at,
            end_reason=None if recording.end_reason is None else RecordingEnd(recording.end_reason),
            end_detail=recording.end_detail,
            frames=recording.frames,
            dropped=recording.dropped,
            bytes=recording.bytes,
            video_url=f"/api/v1/stream/recordings/{recording.id}/video" if is_there else None,
        )


class RecordingOnlyAnswer(BaseModel):
    recording: RecordingAnswer
    request_id: str


class RecordingListAnswer(BaseModel):
    recordings: list[RecordingAnswer]
    bytes_total: int = Field(description="Of all that are listed.")
    request_id: str
