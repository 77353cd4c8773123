"""One live search over a WebSocket."""

from contextlib import suppress

from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from lianpu.accounts.roles import Scope
from lianpu.http.audited import AuditNote, Detail
from lianpu.jobs.push.session import Session
from lianpu.jobs.push.subscription import BAD_MESSAGE, Ending, Frame, PushEnded
from lianpu.jobs.push.websocket import opening_of, received, send_text, tell_end
from lianpu.packs.folder import folder_name
from lianpu.streams.live.connection import allow_frames, send_all
from lianpu.streams.live.live import Live
from lianpu.streams.live.messages import FrameProblem, SearchHeartbeat, SearchQuery, SearchReady, SearchResult
from lianpu.streams.live.search import LiveSearch


async def search_over(websocket: WebSocket, live: Live, note: AuditNote) -> None:
    """Serve it to its end. The credential comes by header, by `?token=`, or in the first message."""
    await websocket.accept()
    await tell_end(websocket, _serve(websocket, live, note))


async def _serve(websocket: WebSocket, live: Live, note: AuditNote) -> Ending | None:
    opening = await opening_of(websocket, live.push, Scope.GALLERY_RECOGNISE)
    search = live.search(_query(websocket))
    with live.searching.one_of(opening.principal.id), live.mailboxes.one() as mailbox:
        analyzer = await search.prepare()
        session = Session(
            live.push, Scope.GALLERY_RECOGNISE, principal=opening.principal, credential=opening.credential
        )
        pack = folder_name(analyzer.pack_name, analyzer.pack_version)
        note.about(pack=pack)
        allow_frames(websocket, live.max_frame_bytes)
        ready = SearchReady(
            heartbeat_s=live.push.heartbeat_s,
            max_frame_bytes=live.max_frame_bytes,
            max_frame_pixels=live.limits.max_pixels,
            pack=pack,
        )
        await send_text(websocket, ready.model_dump_json())

        def tell(outcome: SearchResult | FrameProblem) -> None:
            # One topic: of what waits for a client that is slow only the newest counts.
            mailbox.put(Frame(outcome.type, outcome.model_dump_json()), "outcome")

        def beat() -> None:
            heartbeat = SearchHeartbeat(received=search.received_total, dropped=search.dropped_total)
            mailbox.beat(Frame(heartbeat.type, heartbeat.model_dump_json()))

        try:
            return await session.run(
                _listen(websocket, session, search, live.max_frame_bytes),
                beat,
                search.run(tell),
                send_all(websocket, mailbox),
                mailbox.ended(),
            )
        finally:
            note.about(frames=search.looked_total, dropped=search.dropped_total, persons=_found(search))


async def _listen(websocket: WebSocket, session: Session, search: LiveSearch, max_frame_bytes: int) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            message = await received(websocket, max_frame_bytes=max_frame_bytes)
            if isinstance(message, bytes):
                search.put(message)
            else:
                await session.renew(message.token)


def _query(websocket: WebSocket) -> SearchQuery:
    """
    Raises:
        PushEnded: the address asks for what there is not.
    """
    try:
        return SearchQuery.model_validate(dict(websocket.query_params))
    except ValidationError as error:
        raise PushEnded(Ending(BAD_MESSAGE, "validation_failed")) from error


def _found(search: LiveSearch) -> list[Detail]:
    """Whom the answers named, the most alike first."""
    best = sorted(search.found.items(), key=lambda found: -found[1])
    return [{"person_id": person_id, "score": round(score, 3), "is_match": True} for person_id, score in best]
