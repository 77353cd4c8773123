"""`/api/v1/stream`: control of streams, and their pictures."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response, status
from fastapi.responses import StreamingResponse

from lianpu.accounts.access import PrincipalDep, requires
from lianpu.accounts.accounts import Accounts, AccountsDep
from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Scope
from lianpu.errors import AccessError, StreamStateError
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.streams import schemas
from lianpu.streams.broadcast import FIRST, MEDIA_TYPE, part
from lianpu.streams.events import EventKind
from lianpu.streams.records import StreamRecord
from lianpu.streams.streams import Pictures, StreamsDep

router = APIRouter(prefix="/api/v1/stream", tags=["streams"])
FEED_PATH = "/api/v1/stream/feed"
CHECKED_EVERY_S = 20.0
"""Whoever watches is asked again whether he still may."""
NEVER_KEPT = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Answers:
    """Makes answers for one caller: the addresses in them stand for his credential."""

    def __init__(
        self, streams: StreamsDep, accounts: AccountsDep, principal: PrincipalDep, request_id: RequestId
    ) -> None:
        self._streams = streams
        self._accounts = accounts
        self._principal = principal
        self._request_id = request_id

    def one(self, record: StreamRecord) -> schemas.StreamOnlyAnswer:
        return schemas.StreamOnlyAnswer(stream=self.of(record), request_id=self._request_id)

    def of(self, record: StreamRecord) -> schemas.StreamAnswer:
        path = f"{FEED_PATH}/{record.row.id}"
        feed_url = self._accounts.addresses.signed(path, self._principal, lifetime_s=self._streams.feed_lifetime_s)
        return schemas.StreamAnswer.of(record, feed_url)


AnswersDep = Annotated[Answers, Depends(Answers)]


@router.post(
    "/start",
    dependencies=[audited(Action.STREAM_START), requires(Scope.STREAMS_MANAGE)],
    status_code=status.HTTP_201_CREATED,
    responses=problems(400, 404, 409, 422, 503),
)
async def start_stream(
    body: schemas.StartFields, streams: StreamsDep, principal: PrincipalDep, answers: AnswersDep, note: AuditNoteDep
) -> schemas.StreamOnlyAnswer:
    """Begin to read a source and to name who is in it; answers before the first frame is there."""
    record = await streams.start(
        body.source,
        owner_id=principal.id,
        lifetime_minutes=body.lifetime_minutes,
        name=body.name,
        is_permanent=body.permanent,
        options=body.options,
    )
    note.about(record.row.id, lifetime_minutes=body.lifetime_minutes, permanent=body.permanent, pack=body.pack)
    return answers.one(record)


@router.post(
    "/stop",
    dependencies=[audited(Action.STREAM_STOP), requires(Scope.STREAMS_MANAGE)],
    responses=problems(400, 404, 422),
)
async def stop_stream(
    body: schemas.StreamIdFields, streams: StreamsDep, answers: AnswersDep, note: AuditNoteDep
) -> schemas.StreamOnlyAnswer:
    """End a stream; answers when nothing of it runs any more."""
    note.about(body.stream_id)
    return answers.one(await streams.stop(body.stream_id))


@router.get(
    "",
    dependencies=[audited(Action.STREAM_LIST, gathered=True), requires(Scope.STREAMS_READ)],
    responses=problems(422),
)
async def list_streams(
    streams: StreamsDep,
    answers: AnswersDep,
    request_id: RequestId,
    ended: Annotated[bool, Query(description="Those that ended, too.")] = False,
) -> schemas.StreamListAnswer:
    """The streams that run, and how they are."""
    active = [answers.of(record) for record in await streams.everywhere()]
    over = [answers.of(record) for record in await streams.ended()] if ended else []
    return schemas.StreamListAnswer(active_streams_count=len(active), streams=active, ended=over, request_id=request_id)


@router.get(
    "/feed/{stream_id}",
    # An <img> cannot send a header: its address carries a signature.
    dependencies=[audited(Action.STREAM_WATCH), requires(Scope.STREAMS_READ, by_signature=True)],
    response_class=StreamingResponse,
    responses={200: {"content": {"multipart/x-mixed-replace": {}}}, **problems(404, 409)},
)
async def watch_stream(
    stream_id: str, streams: StreamsDep, accounts: AccountsDep, principal: PrincipalDep
) -> StreamingResponse:
    """Motion JPEG with boxes and names, for `<img src>`; the address is `feed_url` of the stream."""
    feed = await streams.feed(stream_id)
    return StreamingResponse(parts(feed, accounts, principal), media_type=MEDIA_TYPE, headers=NEVER_KEPT)


@router.get(
    "/{stream_id}",
    dependencies=[audited(Action.STREAM_READ, gathered=True), requires(Scope.STREAMS_READ)],
    responses=problems(404),
)
async def get_stream(stream_id: str, streams: StreamsDep, answers: AnswersDep) -> schemas.StreamOnlyAnswer:
    """State and reason, rates, latency, viewers; and an address to watch it at."""
    return answers.one(await streams.get(stream_id))


@router.post(
    "/{stream_id}/extend",
    dependencies=[audited(Action.STREAM_EXTEND), requires(Scope.STREAMS_MANAGE)],
    responses=problems(400, 404, 409, 422),
)
async def extend_stream(
    stream_id: str, body: schemas.ExtendFields, streams: StreamsDep, answers: AnswersDep, note: AuditNoteDep
) -> schemas.StreamOnlyAnswer:
    """Let it run longer, or shorter."""
    note.about(lifetime_minutes=body.lifetime_minutes)
    return answers.one(await streams.extend(stream_id, body.lifetime_minutes))


@router.post(
    "/{stream_id}/pause",
    dependencies=[audited(Action.STREAM_PAUSE), requires(Scope.STREAMS_MANAGE)],
    responses=problems(404, 409),
)
async def pause_detection(stream_id: str, streams: StreamsDep, answers: AnswersDep) -> schemas.StreamOnlyAnswer:
    """Look for no faces; the picture goes on."""
    return answers.one(await streams.pause_detection(stream_id, paused=True))


@router.post(
    "/{stream_id}/resume",
    dependencies=[audited(Action.STREAM_RESUME), requires(Scope.STREAMS_MANAGE)],
    responses=problems(404, 409),
)
async def resume_detection(stream_id: str, streams: StreamsDep, answers: AnswersDep) -> schemas.StreamOnlyAnswer:
    """Look for faces again."""
    return answers.one(await streams.pause_detection(stream_id, paused=False))


@router.get(
    "/{stream_id}/snapshot",
    dependencies=[audited(Action.STREAM_SNAPSHOT, gathered=True), requires(Scope.STREAMS_READ)],
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **problems(404, 409)},
)
async def get_snapshot(stream_id: str, streams: StreamsDep) -> Response:
    """The next picture with its names, as JPEG."""
    jpeg = await streams.snapshot(stream_id)
    if jpeg is None:
        raise StreamStateError("There is no picture now: the source gives none.")
    return Response(jpeg, media_type="image/jpeg", headers=NEVER_KEPT)


@router.get(
    "/{stream_id}/events",
    dependencies=[audited(Action.STREAM_EVENTS, gathered=True), requires(Scope.STREAMS_READ)],
    responses=problems(404, 422),
)
async def list_events(
    stream_id: str,
    streams: StreamsDep,
    request_id: RequestId,
    kind: EventKind | None = None,
    person_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> schemas.StreamEventsAnswer:
    """Who appeared and left, newest first."""
    await streams.get(stream_id)
    page, next_cursor = await streams.events.page(stream_id, person_id, kind, cursor, limit)
    events = [schemas.StreamEventAnswer.of(event) for event in page]
    return schemas.StreamEventsAnswer(events=events, next_cursor=next_cursor, request_id=request_id)


@router.get(
    "/{stream_id}/events/{event_id}/crop",
    dependencies=[audited(Action.STREAM_CROP, gathered=True), requires(Scope.STREAMS_READ)],
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **problems(404)},
)
async def get_event_crop(stream_id: str, event_id: str, streams: StreamsDep) -> Response:
    """The face at its best, as JPEG."""
    jpeg = await streams.events.crop(stream_id, event_id)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


async def parts(feed: Pictures, accounts: Accounts, principal: Principal) -> AsyncGenerator[bytes]:
    """Motion JPEG for as long as whoever watches still may."""
    checked_s = time.monotonic()
    async with aclosing(feed.pictures()) as pictures:
        yield FIRST
        async for jpeg in pictures:
            yield part(jpeg)
            if time.monotonic() - checked_s >= CHECKED_EVERY_S:
                checked_s = time.monotonic()
                try:
                    await accounts.authentication.principal_by_id(principal.kind, principal.credential_id)
                except AccessError:
                    return
