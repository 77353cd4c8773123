"""`/api/v1/ws/…` and `…/events`: what becomes of jobs, as it happens."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, WebSocket

from lianpu.accounts.access import PrincipalDep, authenticates_by_message, credential_of, requires
from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Scope
from lianpu.http.problems import problems
from lianpu.jobs.ownership import ENHANCEMENT, INFERENCE
from lianpu.jobs.push.channel import JobChannel
from lianpu.jobs.push.delivery import Delivery
from lianpu.jobs.push.event_stream import EventStream
from lianpu.jobs.push.messages import LARGEST_ID
from lianpu.jobs.push.push import Push, PushDep
from lianpu.jobs.push.websocket import push_over

router = APIRouter(prefix="/api/v1", tags=["push"])
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Messages `ready`, `job`, `reset` and `closed` as JSON; the stream does not end by itself.",
        "content": {EventStream.media_type: {"schema": {"type": "string"}}},
    },
    **problems(422, 429),
}


async def _last_event_id(
    header: Annotated[
        int | None,
        Header(alias="Last-Event-ID", ge=0, le=LARGEST_ID, description="Go on after this event."),
    ] = None,
    query: Annotated[
        int | None,
        Query(alias="last_event_id", ge=0, le=LARGEST_ID, description="The same, for the first connection."),
    ] = None,
) -> int | None:
    return query if header is None else header


LastEventId = Annotated[int | None, Depends(_last_event_id)]


@router.websocket("/ws/inference", dependencies=[authenticates_by_message(Scope.IMAGES)])
async def push_inference(websocket: WebSocket, push: PushDep) -> None:
    """One's own inference tasks."""
    await push_over(websocket, push, Scope.IMAGES, JobChannel(push.feed, INFERENCE))


@router.websocket("/ws/enhance", dependencies=[authenticates_by_message(Scope.ENHANCE)])
async def push_enhancements(websocket: WebSocket, push: PushDep) -> None:
    """One's own photo enhancements, with the step of the photo that is being worked on."""
    await push_over(websocket, push, Scope.ENHANCE, JobChannel(push.feed, ENHANCEMENT))


@router.websocket("/ws/jobs", dependencies=[authenticates_by_message(Scope.JOBS_READ, others=Scope.JOBS_MANAGE)])
async def push_jobs(websocket: WebSocket, push: PushDep) -> None:
    """One's own jobs, with `jobs:manage` everybody's."""
    await push_over(websocket, push, Scope.JOBS_READ, JobChannel(push.feed, None))


@router.get(
    "/images/inference/events",
    dependencies=[requires(Scope.IMAGES, by_query=True)],
    status_code=200,
    response_class=EventStream,
    responses=_STREAM,
)
async def stream_inference(
    request: Request, push: PushDep, principal: PrincipalDep, last_event_id: LastEventId
) -> EventStream:
    """One's own inference tasks as Server-Sent Events; `EventSource` sends the token as `?token=`."""
    return EventStream(_delivery(request, push, principal, last_event_id, Scope.IMAGES, INFERENCE))


@router.get(
    "/enhance/events",
    dependencies=[requires(Scope.ENHANCE, by_query=True)],
    status_code=200,
    response_class=EventStream,
    responses=_STREAM,
)
async def stream_enhancements(
    request: Request, push: PushDep, principal: PrincipalDep, last_event_id: LastEventId
) -> EventStream:
    """One's own photo enhancements as Server-Sent Events; `EventSource` sends the token as `?token=`."""
    return EventStream(_delivery(request, push, principal, last_event_id, Scope.ENHANCE, ENHANCEMENT))


@router.get(
    "/jobs/events",
    dependencies=[requires(Scope.JOBS_READ, others=Scope.JOBS_MANAGE, by_query=True)],
    status_code=200,
    response_class=EventStream,
    responses=_STREAM,
)
async def stream_jobs(
    request: Request, push: PushDep, principal: PrincipalDep, last_event_id: LastEventId
) -> EventStream:
    """One's own jobs, with `jobs:manage` everybody's, as Server-Sent Events."""
    return EventStream(_delivery(request, push, principal, last_event_id, Scope.JOBS_READ, None))


def _delivery(
    request: Request, push: Push, principal: Principal, last_event_id: int | None, scope: Scope, kind: str | None
) -> Delivery:
    channel, credential = JobChannel(push.feed, kind), credential_of(request) or ""
    return Delivery(push, scope, channel, principal=principal, credential=credential, last_event_id=last_event_id)
