"""Recording of streams: `/api/v1/stream/{stream_id}/record`, and `/api/v1/stream/recordings`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import FileResponse

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.streams.recording import schemas
from lianpu.streams.recording.recordings import RecordingsDep

router = APIRouter(prefix="/api/v1/stream", tags=["streams"])


@router.post(
    "/{stream_id}/record",
    dependencies=[audited(Action.RECORDING_START), requires(Scope.STREAMS_MANAGE)],
    status_code=status.HTTP_201_CREATED,
    responses=problems(404, 409),
)
async def start_recording(
    stream_id: str, recordings: RecordingsDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.RecordingOnlyAnswer:
    """Write what viewers see, names included, to a file from now on."""
    recording = await recordings.start(stream_id)
    note.about(stream_id, recording=recording.id)
    return schemas.RecordingOnlyAnswer(recording=schemas.RecordingAnswer.of(recording), request_id=request_id)


@router.post(
    "/{stream_id}/record/stop",
    dependencies=[audited(Action.RECORDING_STOP), requires(Scope.STREAMS_MANAGE)],
    responses=problems(409),
)
async def stop_recording(
    stream_id: str, recordings: RecordingsDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.RecordingOnlyAnswer:
    """End the recording; answers when the file is complete. The stream goes on."""
    recording = await recordings.stop(stream_id)
    note.about(stream_id, recording=recording.id, bytes=recording.bytes)
    return schemas.RecordingOnlyAnswer(recording=schemas.RecordingAnswer.of(recording), request_id=request_id)


@router.get(
    "/recordings",
    dependencies=[audited(Action.RECORDING_LIST, gathered=True), requires(Scope.STREAMS_READ)],
    responses=problems(422),
)
async def list_recordings(
    recordings: RecordingsDep,
    request_id: RequestId,
    stream_id: Annotated[str | None, Query(max_length=64, description="Of this stream alone.")] = None,
) -> schemas.RecordingListAnswer:
    """All recordings, also of streams that are over; the one that began last first."""
    found = [schemas.RecordingAnswer.of(one) for one in await recordings.list(stream_id)]
    total = sum(one.bytes for one in found)
    return schemas.RecordingListAnswer(recordings=found, bytes_total=total, request_id=request_id)


@router.get(
    "/recordings/{recording_id}/video",
    dependencies=[audited(Action.RECORDING_READ), requires(Scope.STREAMS_READ)],
    response_class=FileResponse,
    responses={200: {"content": {"video/mp4": {}}}, **problems(404, 409)},
)
async def get_recording_video(recording_id: str, recordings: RecordingsDep, note: AuditNoteDep) -> FileResponse:
    """MP4 (H.264); parts of it by `Range`."""
    recording, path = await recordings.video(recording_id)
    note.about(recording_id, stream=recording.stream_id)
    name = f"{recording.started_at:%Y%m%d-%H%M%S}-{recording.id[-12:]}.mp4"
    headers = {"Cache-Control": "private, no-store"}
    return FileResponse(path, media_type="video/mp4", filename=name, headers=headers)


@router.delete(
    "/recordings/{recording_id}",
    dependencies=[audited(Action.RECORDING_DELETE), requires(Scope.STREAMS_MANAGE)],
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(404, 409),
)
async def delete_recording(recording_id: str, recordings: RecordingsDep, note: AuditNoteDep) -> Response:
    """With its file."""
    note.about(recording_id)
    await recordings.delete(recording_id)
    return Response(status_code=status.HTTP_204_NO_CONTENT)
