"""Who may call at all: host names, origins and credentials, checked before a body is read."""

import re
from collections.abc import Awaitable, Container, Iterable, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from lianpu.accounts.access import SEND_CREDENTIAL, AccessRule, rule_of
from lianpu.accounts.accounts import Accounts
from lianpu.accounts.principal import Principal, PrincipalKind
from lianpu.errors import (
    AccessError,
    AuthenticationRequiredError,
    ForeignHostError,
    ForeignOriginError,
    LianpuError,
    MalformedRequestError,
)
from lianpu.http.client_address import client_address, ip_of, is_in
from lianpu.http.problems import problem_response
from lianpu.http.signing import SIGNATURE
from lianpu.settings import ServerSettings

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SIGNED = f"{SIGNATURE}=".encode()
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class AccessGuard:
    """ASGI middleware. Leaves the principal in the request's state.

    A server on loopback trusts its machine, but a browser on that machine also runs other people's pages: a page may
    post to `localhost` (refused by its Origin) or rename itself to it by DNS rebinding (refused by its Host).
    """

    def __init__(
        self, app: ASGIApp, settings: ServerSettings, routes: Iterable[BaseRoute], open_networks: Sequence[str] = ()
    ) -> None:
        """
        Args:
            routes: with their rules; those that anybody may call, and those outside of `/api/` that not everybody may,
                must not have parameters in their paths.
            open_networks: addresses and networks that need no credential for the routes with `by_network`.
        """
        routes = tuple(routes)
        self._app = app
        self._any_host = not is_loopback(settings.host) and not settings.allowed_hosts
        self._hosts = LOOPBACK_NAMES | {settings.host.lower()} | {host.lower() for host in settings.allowed_hosts}
        self._origins = frozenset(settings.cors_origins)
        rules = tuple(_rules(routes))
        self._open = frozenset(call for call, rule in rules if rule.scope is None)
        self._by_query = frozenset(call for call, rule in rules if rule.by_query)
        self._by_network = frozenset(call for call, rule in rules if rule.by_network)
        self._guarded = frozenset(path for (_, path), rule in rules if rule.scope is not None)
        self._open_networks = tuple(open_networks)
        self._by_signature = tuple(_patterns(routes))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        # Before anything else: servers write the address of a WebSocket into their log.
        token = _take_token(scope)
        scope.setdefault("state", {})["query_token"] = token
        try:
            self._check(scope)
            if scope["path"].startswith("/api/") or scope["path"] in self._guarded:
                await self._authenticate(scope, token)
        except LianpuError as error:
            await _refuse(error, scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise MalformedRequestError("The address holds a NUL character, which no id, name or filter has.")
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        name = _host_name(host)
        if not self._any_host and name not in self._hosts:
            raise ForeignHostError(f"This server does not answer to the name {name!r}; see server.allowed_hosts.")
        if scope.get("method") not in SAFE_METHODS:
            origin = headers.get("origin")
            if origin is not None and origin.lower() not in self._origins and not _is_own(origin, host):
                raise ForeignOriginError(f"A page of {origin} may not change anything here.")

    async def _authenticate(self, scope: Scope, token: str | None) -> None:
        state = scope.setdefault("state", {})
        credential = credential_in(Headers(scope=scope))
        if credential is None and (scope.get("method"), scope["path"]) in self._by_query:
            credential = token
        accounts: Accounts = scope["app"].state.accounts
        found: Awaitable[Principal] | None = None
        if credential is not None:
            found = accounts.authentication.principal_of(credential)
            state["credential"] = credential
        elif SIGNED in scope["query_string"] and self._takes_signature(scope):
            found = accounts.addresses.principal_of(scope["path"], _fields(scope))
        if found is not None:
            state["principal"] = principal = await _good(found, accounts, client_address(scope))
            # A command of this machine asks as fast as it can, and has the home anyway.
            if principal.kind is not PrincipalKind.LOCAL:
                await accounts.rate_limits.count_user(principal.id)
            return
        if self._is_of_open_network(scope):
            state["is_of_open_network"] = True
            return
        await accounts.rate_limits.count_client(client_address(scope))
        # A browser's WebSocket brings its credential by query or in its first message, and is told there what is wrong
        # with it: of a refused handshake a page learns nothing.
        if scope["type"] == "websocket":
            state["credential"] = token
        elif (scope["method"], scope["path"]) not in self._open:
            raise AuthenticationRequiredError(SEND_CREDENTIAL)

    def _is_of_open_network(self, scope: Scope) -> bool:
        if (scope.get("method"), scope["path"]) not in self._by_network:
            return False
        address = ip_of(client_address(scope))
        return address is not None and is_in(address, self._open_networks)

    def _takes_signature(self, scope: Scope) -> bool:
        method, path = str(scope.get("method")), scope["path"]
        return any(method in methods and pattern.match(path) for methods, pattern in self._by_signature)


async def _good(principal: Awaitable[Principal], accounts: Accounts, address: str) -> Principal:
    """A good credential is good from any address: whoever shares one with a guesser is not kept out with him."""
    try:
        return await principal
    except AccessError:
        await accounts.rate_limits.count_client(address)
        raise


def credential_in(headers: Headers) -> str | None:
    """An API key or access token; None: the request brings none."""
    key = headers.get("x-api-key")
    if key is not None:
        return key
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def is_loopback(host: str) -> bool:
    return host.lower() in LOOPBACK_NAMES or host.startswith("127.")


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        # A bracket that is not closed, and the like: no name of this server.
        return host


def _is_own(origin: str, host: str) -> bool:
    _, _, netloc = origin.partition("://")
    return bool(netloc) and netloc.lower() == host.lower()


def _rules(routes: Iterable[BaseRoute]) -> Iterable[tuple[tuple[str, str], AccessRule]]:
    """By method and path; of HTTP alone."""
    for route in routes:
        rule = rule_of(route)
        if isinstance(route, APIRoute) and rule is not None:
            yield from (((method, route.path), rule) for method in route.methods or ())


def _patterns(routes: Iterable[BaseRoute]) -> Iterable[tuple[Container[str], re.Pattern[str]]]:
    """Methods and paths of what a signed address opens."""
    for route in routes:
        rule = rule_of(route)
        if isinstance(route, APIRoute) and rule is not None and rule.by_signature:
            yield route.methods or (), route.path_regex


def _fields(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def _take_token(scope: Scope) -> str | None:
    """The `?token=` of a request, which nobody sees in its address any more."""
    if b"token=" not in scope["query_string"]:
        return None
    fields = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    scope["query_string"] = urlencode([(name, value) for name, value in fields if name != "token"]).encode()
    return next((value for name, value in fields if name == "token"), None)


async def _refuse(error: LianpuError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        # Before it is accepted, a close is a 403 of the handshake: this server cannot say more.
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})
        return
    await problem_response(error, scope.get("state", {}).get("request_id", ""))(scope, receive, send)
