"""A connection over a WebSocket (RFC 6455): who it is, what it sends, and how it is told why it ends."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass

from pydantic import ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from lianpu.accounts.access import SEND_CREDENTIAL, credential_of
from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Scope
from lianpu.errors import AuthenticationRequiredError, LianpuError
from lianpu.jobs.push.channel import Channel
from lianpu.jobs.push.delivery import Delivery
from lianpu.jobs.push.messages import LARGEST_ID, MAX_MESSAGE_CHARS, AuthMessage
from lianpu.jobs.push.push import Push
from lianpu.jobs.push.session import ending_of
from lianpu.jobs.push.subscription import BAD_MESSAGE, MESSAGE_TOO_LARGE, Ending, Frame, PushEnded

FIRST_MESSAGE_S = 5.0
CLOSE_S = 5.0
"""A client that does not read does not get the reason either."""


class ClientGoneError(OSError):
    """There is nobody to send to."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a connection began."""

    principal: Principal
    credential: str
    last_event_id: int | None


async def push_over(websocket: WebSocket, push: Push, scope: Scope, channel: Channel) -> None:
    """Serve it to its end. The credential comes by header, by `?token=`, or in the first message."""
    await websocket.accept()
    await tell_end(websocket, _serve(websocket, push, scope, channel))


async def tell_end(websocket: WebSocket, serving: Awaitable[Ending | None]) -> None:
    """Wait for what serves an accepted connection, and close it with the reason.

    Args:
        serving: raises what ends it, or returns what the client is to be told; None: it has gone.
    """
    try:
        ending = await serving
    except PushEnded as ended:
        ending = ended.ending
    except LianpuError as error:
        ending = ending_of(error)
    except WebSocketDisconnect:
        return
    if ending is not None:
        with suppress(TimeoutError, RuntimeError, WebSocketDisconnect):
            await asyncio.wait_for(websocket.close(ending.code, ending.reason), CLOSE_S)


async def opening_of(websocket: WebSocket, push: Push, scope: Scope) -> Opening:
    """Who it is; waits for the first message where neither header nor address say so.

    Raises:
        LianpuError: he may not.
        PushEnded: what came is no first message.
        WebSocketDisconnect: the client has gone.
    """
    last_event_id = _event_id(websocket.query_params.get("last_event_id"))
    credential = credential_of(websocket)
    if credential is None:
        first = await _first_message(websocket)
        credential = first.token
        last_event_id = first.last_event_id if first.last_event_id is not None else last_event_id
    principal = await push.authenticate_message(credential, scope)
    websocket.state.principal = principal
    return Opening(principal, credential, last_event_id)


async def send_text(websocket: WebSocket, text: str) -> None:
    """
    Raises:
        ClientGoneError: there is nobody to send to.
    """
    try:
        await websocket.send_text(text)
    except WebSocketDisconnect as error:
        raise ClientGoneError from error


async def received(websocket: WebSocket, *, max_frame_bytes: int = 0) -> AuthMessage | bytes:
    """The next message of the client.

    Args:
        max_frame_bytes: 0: it may send no binary messages.

    Raises:
        PushEnded: it is none of those that a client may send.
        WebSocketDisconnect: the client has gone.
    """
    message = await websocket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006), message.get("reason"))
    text: str | None = message.get("text")
    if text is None:
        data: bytes = message.get("bytes") or b""
        if not max_frame_bytes:
            raise PushEnded(Ending(BAD_MESSAGE, "malformed_request"))
        if len(data) > max_frame_bytes:
            raise PushEnded(MESSAGE_TOO_LARGE)
        return data
    if len(text) > MAX_MESSAGE_CHARS:
        raise PushEnded(MESSAGE_TOO_LARGE)
    try:
        return AuthMessage.model_validate_json(text)
    except ValidationError as error:
        raise PushEnded(Ending(BAD_MESSAGE, "malformed_request")) from error


async def _serve(websocket: WebSocket, push: Push, scope: Scope, channel: Channel) -> Ending | None:
    opening = await opening_of(websocket, push, scope)
    delivery = Delivery(
        push,
        scope,
        channel,
        principal=opening.principal,
        credential=opening.credential,
        last_event_id=opening.last_event_id,
    )

    async def send(frame: Frame) -> None:
        await send_text(websocket, frame.text)

    async def listen() -> None:
        with suppress(WebSocketDisconnect):
            while True:
                await delivery.renew((await _auth_message(websocket)).token)

    return await delivery.run(send, listen)


async def _first_message(websocket: WebSocket) -> AuthMessage:
    try:
        return await asyncio.wait_for(_auth_message(websocket), FIRST_MESSAGE_S)
    except TimeoutError as error:
        raise AuthenticationRequiredError(SEND_CREDENTIAL) from error


async def _auth_message(websocket: WebSocket) -> AuthMessage:
    message = await received(websocket)
    assert isinstance(message, AuthMessage)
    return message


def _event_id(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ID)) and int(text) <= LARGEST_ID):
        raise PushEnded(Ending(BAD_MESSAGE, "validation_failed"))
    return int(text)
