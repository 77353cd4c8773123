"""`WS /api/v1/live/search`, `WS /api/v1/stream/push/{stream_id}`, and the streams' events as they come."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, WebSocket

from lianpu.accounts.access import PrincipalDep, authenticates_by_message, credential_of, requires
from lianpu.accounts.roles import Scope
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import problems
from lianpu.jobs.push.delivery import Delivery
from lianpu.jobs.push.event_stream import EventStream
from lianpu.jobs.push.router import LastEventId
from lianpu.jobs.push.websocket import push_over as push_events_over
from lianpu.streams.live.events import StreamChannel
from lianpu.streams.live.live import LiveDep
from lianpu.streams.live.push_connection import push_over
from lianpu.streams.live.search_connection import search_over

router = APIRouter(prefix="/api/v1", tags=["streams"])
StreamId = Annotated[str | None, Query(max_length=64, description="Events of this stream alone.")]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Messages `ready`, `event`, `reset` and `closed` as JSON; the stream does not end by itself.",
        "content": {EventStream.media_type: {"schema": {"type": "string"}}},
    },
    **problems(422, 429),
}


@router.websocket(
    "/live/search", dependencies=[audited(Action.FACE_LIVE_SEARCH), authenticates_by_message(Scope.GALLERY_RECOGNISE)]
)
async def search_live(websocket: WebSocket, live: LiveDep, note: AuditNoteDep) -> None:
    """Send JPEG frames, hear who is in them when that changes."""
    await search_over(websocket, live, note)


@router.websocket(
    "/stream/push/{stream_id}",
    dependencies=[audited(Action.STREAM_PUSH), authenticates_by_message(Scope.STREAMS_MANAGE)],
)
async def push_frames(websocket: WebSocket, stream_id: str, live: LiveDep, note: AuditNoteDep) -> None:
    """Send JPEG frames, which are the source of a stream that was started with `push:`."""
    await push_over(websocket, live, stream_id, note)


@router.websocket(
    "/ws/streams",
    dependencies=[audited(Action.STREAM_EVENTS, gathered=True), authenticates_by_message(Scope.STREAMS_READ)],
)
async def push_stream_events(websocket: WebSocket, live: LiveDep) -> None:
    """Who appears and leaves, as it happens; `?stream_id=`: in one stream."""
    channel = StreamChannel(live.events, websocket.query_params.get("stream_id"))
    await push_events_over(websocket, live.push, Scope.STREAMS_READ, channel)


@router.get(
    "/stream/events",
    dependencies=[audited(Action.STREAM_EVENTS, gathered=True), requires(Scope.STREAMS_READ, by_query=True)],
    status_code=200,
    response_class=EventStream,
    responses=_STREAM,
)
async def stream_stream_events(
    request: Request,
    live: LiveDep,
    principal: PrincipalDep,
    last_event_id: LastEventId,
    stream_id: StreamId = None,
) -> EventStream:
    """Who appears and leaves, as Server-Sent Events; `EventSource` sends the token as `?token=`."""
    delivery = Delivery(
        live.push,
        Scope.STREAMS_READ,
        StreamChannel(live.events, stream_id),
        principal=principal,
        credential=credential_of(request) or "",
        last_event_id=last_event_id,
    )
    return EventStream(delivery)
