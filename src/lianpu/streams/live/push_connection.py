"""The frames of one stream, pushed over a WebSocket."""

from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from lianpu.accounts.roles import Scope
from lianpu.http.audited import AuditNote
from lianpu.jobs.push.session import Session
from lianpu.jobs.push.subscription import Ending, Frame
from lianpu.jobs.push.websocket import opening_of, received, send_text, tell_end
from lianpu.streams.live.connection import allow_frames, send_all
from lianpu.streams.live.live import Live
from lianpu.streams.live.messages import FrameProblem, PushAck, PushReady
from lianpu.streams.pushing import Pusher, Taken

REPLACED = Ending(4409, "replaced")
STREAM_OVER = Ending(4410, "stream_over")


async def push_over(websocket: WebSocket, live: Live, stream_id: str, note: AuditNote) -> None:
    """Serve it to its end. The credential comes by header, by `?token=`, or in the first message."""
    await websocket.accept()
    await tell_end(websocket, _serve(websocket, live, stream_id, note))


async def _serve(websocket: WebSocket, live: Live, stream_id: str, note: AuditNote) -> Ending | None:
    opening = await opening_of(websocket, live.push, Scope.STREAMS_MANAGE)
    pushed = await live.streams.pushed(stream_id)
    with live.pushing.one_of(opening.principal.id), live.mailboxes.one() as mailbox:

        def tell(taken: Taken) -> None:
            if taken.problem is not None:
                problem = FrameProblem(frame=taken.number, code=taken.problem.code, detail=taken.problem.detail)
                mailbox.put(Frame(problem.type, problem.model_dump_json()), problem.type)
            ack = PushAck(frame=taken.number, dropped=taken.dropped_total)
            mailbox.put(Frame(ack.type, ack.model_dump_json()), ack.type)

        def end(replaced: bool) -> None:
            mailbox.end(REPLACED if replaced else STREAM_OVER)

        with pushed.pusher(tell, end) as pusher:
            allow_frames(websocket, live.max_frame_bytes)
            ready = PushReady(
                heartbeat_s=live.push.heartbeat_s,
                max_frame_bytes=live.max_frame_bytes,
                max_frame_pixels=live.limits.max_pixels,
            )
            await send_text(websocket, ready.model_dump_json())
            session = Session(
                live.push, Scope.STREAMS_MANAGE, principal=opening.principal, credential=opening.credential
            )
            try:
                return await session.run(
                    _listen(websocket, session, pusher, live.max_frame_bytes),
                    mailbox.beat,
                    send_all(websocket, mailbox),
                    mailbox.ended(),
                )
            finally:
                note.about(frames=pusher.received_total, dropped=pusher.dropped_total)


async def _listen(websocket: WebSocket, session: Session, pusher: Pusher, max_frame_bytes: int) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            message = await received(websocket, max_frame_bytes=max_frame_bytes)
            if isinstance(message, bytes):
                pusher.put(message)
            else:
                await session.renew(message.token)
