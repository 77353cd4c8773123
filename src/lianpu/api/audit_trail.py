"""No answer without its audit entry: it is stored when the status is known, before the first byte leaves."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lianpu.accounts.principal import Principal
from lianpu.audit.audit import Audit
from lianpu.audit.entry import ANONYMOUS, Actor, AuditEntry, Outcome
from lianpu.errors import AuditUnavailableError
from lianpu.http.audited import Action, AuditNote, Detail, audited_of
from lianpu.http.client_address import client_address
from lianpu.http.problems import problem_response

CLOSED = range(4400, 4500)
"""Close codes of WebSockets that mean an HTTP status: the same less 4000."""
NOT_ACCEPTED = 403
BEGUN = 101
"""A WebSocket's first message has left: it is known who it is, and he may."""
ENDED = 200
_log = logging.getLogger(__name__)


class AuditTrail:
    """ASGI middleware around the guard, so that what the guard refuses is recorded too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
        else:
            await _Call(scope["app"].state.audit, scope, send).run(self._app, receive)


class _Call:
    """One request, or one WebSocket."""

    def __init__(self, audit: Audit, scope: Scope, send: Send) -> None:
        self._audit = audit
        self._scope = scope
        self._send = send
        self._note = AuditNote(check=audit.log.check)
        scope.setdefault("state", {})["audit"] = self._note
        self._is_accepted = self._is_recorded = False
        self._begun_with: dict[str, Detail] | None = None
        """What was recorded of a WebSocket when it began."""
        self._failure: AuditUnavailableError | None = None

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        try:
            await app(self._scope, receive, self._send_recorded)
        except Exception:
            if self._failure is None:
                if not self._is_recorded:
                    await self._record_late(500)
                raise
        finally:
            if self._begun_with is not None and self._failure is None and self._note.detail != self._begun_with:
                await self._record_late(ENDED)
        if self._failure is not None and not self._is_accepted:
            request_id = self._scope["state"].get("request_id", "")
            await problem_response(self._failure, request_id)(self._scope, receive, self._send)

    async def _send_recorded(self, message: Message) -> None:
        self._is_accepted |= message["type"] == "websocket.accept"
        status = self._status(message)
        if status is not None and not self._is_recorded and not self._note.is_barred:
            self._is_recorded = True
            if status == BEGUN:
                self._begun_with = dict(self._note.detail)
            try:
                await _record(self._audit, self._scope, self._note, status)
            except AuditUnavailableError as error:
                self._failure = error
        if self._failure is not None and message["type"] != "websocket.close":
            raise self._failure
        await self._send(message)

    def _status(self, message: Message) -> int | None:
        """Of the answer that this message begins; None: it begins none."""
        kind = message["type"]
        if kind in {"http.response.start", "websocket.http.response.start"}:
            return message["status"]
        if kind == "websocket.close":
            code = message.get("code", 1000)
            return code - 4000 if code in CLOSED else None if self._is_accepted else NOT_ACCEPTED
        if kind == "websocket.send" and audited_of(self._scope.get("route")) is not None:
            return BEGUN
        return None

    async def _record_late(self, status: int) -> None:
        """Of what is over: the answer of an unexpected error is made outside of here, a WebSocket's have left."""
        try:
            await _record(self._audit, self._scope, self._note, status)
        except AuditUnavailableError as error:
            _log.error("a request is not recorded yet: %s", error.detail)


async def _record(audit: Audit, scope: Scope, note: AuditNote, status: int) -> None:
    """
    Raises:
        AuditUnavailableError: it could not be stored.
    """
    declared = audited_of(scope.get("route"))
    if declared is None and Outcome.of(status) is not Outcome.REFUSED:
        return
    principal: Principal | None = scope["state"].get("principal")
    parameters = {name: str(value) for name, value in scope.get("path_params", {}).items()}
    if declared is None:
        action, target, detail = Action.ACCESS_REFUSED, scope["path"], {"method": scope.get("method", "WEBSOCKET")}
    else:
        first = next(iter(parameters), None)
        action, target = declared.action, note.target or (None if first is None else parameters.pop(first))
        detail = parameters
    entry = AuditEntry(
        actor=_actor(principal, note),
        action=action,
        outcome=Outcome.of(status),
        status=status,
        target=target,
        client=client_address(scope),
        request_id=scope["state"].get("request_id", ""),
        detail={**detail, **_credential(principal), **note.detail},
    )
    await audit.gathering.append(entry, gathered=declared is None or declared.gathered)


def _actor(principal: Principal | None, note: AuditNote) -> Actor:
    if note.actor is not None:
        return Actor(*note.actor)
    return ANONYMOUS if principal is None else Actor(principal.kind.value, principal.id, principal.name)


def _credential(principal: Principal | None) -> dict[str, str]:
    """Which login or key of the user it was: its id, which is no secret."""
    return {"credential": principal.credential_id} if principal is not None and principal.is_user else {}
