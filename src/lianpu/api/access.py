"""Who may call at all: host names, origins and the API key, checked before a body is read."""

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from lianpu.errors import AccessError, ApiKeyError, ForeignHostError, ForeignOriginError, MalformedRequestError
from lianpu.http.problems import problem_response
from lianpu.settings import ServerSettings

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class AccessGuard:
    """ASGI middleware.

    A server on loopback trusts its machine, but a browser on that machine also runs other people's pages: a page may
    post to `localhost` (refused by its Origin) or rename itself to it by DNS rebinding (refused by its Host).
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        key = settings.api_key
        self._api_key = None if key is None else key.get_secret_value().encode()
        self._any_host = not is_loopback(settings.host) and not settings.allowed_hosts
        self._hosts = LOOPBACK_NAMES | {settings.host.lower()} | {host.lower() for host in settings.allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except (AccessError, MalformedRequestError) as error:
            response = problem_response(error, scope.get("state", {}).get("request_id", ""))
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise MalformedRequestError("The address holds a NUL character, which no id, name or filter has.")
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        name = (urlsplit(f"//{host}").hostname or "").lower()
        if not self._any_host and name not in self._hosts:
            raise ForeignHostError(f"This server does not answer to the name {name!r}; see server.allowed_hosts.")
        if scope.get("method") not in SAFE_METHODS:
            origin = headers.get("origin")
            if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
                raise ForeignOriginError(f"A page of {origin} may not change anything here.")
        if self._api_key is not None and scope["path"].startswith("/api/"):
            given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), self._api_key):
                raise ApiKeyError("Send the server's API key as `X-API-Key` or as `Authorization: Bearer …`.")


def is_loopback(host: str) -> bool:
    return host.lower() in LOOPBACK_NAMES or host.startswith("127.")
