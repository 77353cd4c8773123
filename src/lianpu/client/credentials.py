"""How calls are authenticated: an API key, or a login that is renewed before it expires."""

import threading
import time
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass

import anyio
import httpx2

from lianpu.client.errors import error_of

TOKEN_ROUTE = "/api/v1/users/token"  # noqa: S105 (a path)
REVOCATION_ROUTE = "/api/v1/users/token/revoke"
UNAUTHORIZED = 401
REPLAYABLE = "lianpu.replayable"
"""Extension of a request: whether its body can be sent a second time."""
MARGIN_S = 20.0
"""A token is renewed so long before it expires: clocks differ, and requests take time."""


class ApiKeyAuth(httpx2.Auth):
    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["X-API-Key"] = self._api_key
        yield request


@dataclass(frozen=True, slots=True)
class _Tokens:
    access: str
    refresh: str
    good_until: float
    """Of `time.monotonic`."""


class LoginAuth(httpx2.Auth):
    """Logs in by password at the first call, and keeps the login by its refresh token, which is good once.

    One at a time: a refresh token that is used twice ends the login.
    """

    requires_response_body = True

    def __init__(self, base_url: str, username: str, password: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._username = username
        self._password = password
        self._tokens: _Tokens | None = None
        self._lock = threading.Lock()
        self._async_lock = anyio.Lock()

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        token = yield from self._sync_token(None)
        response = yield _authorized(request, token)
        if _wants_another_token(request, response):
            token = yield from self._sync_token(token)
            yield _authorized(request, token)

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        refused: str | None = None
        while True:
            async with self._async_lock:
                steps = self._access_token(refused)
                step = next(steps, None)
                while step is not None:
                    answer = yield step
                    await answer.aread()
                    step = _sent(steps, answer)
                token = self._token
            response = yield _authorized(request, token)
            if refused is not None or not _wants_another_token(request, response):
                return
            refused = token

    def _sync_token(self, refused: str | None) -> Generator[httpx2.Request, httpx2.Response, str]:
        with self._lock:
            steps = self._access_token(refused)
            step = next(steps, None)
            while step is not None:
                answer = yield step
                answer.read()
                step = _sent(steps, answer)
            return self._token

    def forget(self) -> httpx2.Request | None:
        """The request that ends the login; None: there is none."""
        tokens, self._tokens = self._tokens, None
        return None if tokens is None else self._request(REVOCATION_ROUTE, {"token": tokens.refresh})

    @property
    def _token(self) -> str:
        assert self._tokens is not None, "there is one, or an error was raised"
        return self._tokens.access

    def _access_token(self, refused: str | None) -> Generator[httpx2.Request, httpx2.Response, str]:
        """
        Args:
            refused: a token that the server did not take, although its time was not over.

        Raises:
            AuthenticationError: name or password is wrong, or the login was ended and they are not good any more.
        """
        tokens = self._tokens
        if tokens is not None and tokens.access != refused and time.monotonic() < tokens.good_until:
            return tokens.access
        if tokens is not None:
            self._tokens = None
            response = yield self._request(
                TOKEN_ROUTE, {"grant_type": "refresh_token", "refresh_token": tokens.refresh}
            )
            if response.is_success:
                return self._keep(response)
        response = yield self._request(
            TOKEN_ROUTE, {"grant_type": "password", "username": self._username, "password": self._password}
        )
        if response.is_error:
            raise error_of(response)
        return self._keep(response)

    def _keep(self, response: httpx2.Response) -> str:
        answer = response.json()
        good_until = time.monotonic() + max(1.0, answer["expires_in"] - MARGIN_S)
        self._tokens = _Tokens(answer["access_token"], answer["refresh_token"], good_until)
        return self._tokens.access

    def _request(self, route: str, form: dict[str, str]) -> httpx2.Request:
        return httpx2.Request("POST", self._base_url + route, data=form)


def _authorized(request: httpx2.Request, token: str) -> httpx2.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


def _wants_another_token(request: httpx2.Request, response: httpx2.Response) -> bool:
    """It expired on the way, or an administrator ended the login; and what was sent can be sent again."""
    return response.status_code == UNAUTHORIZED and request.extensions.get(REPLAYABLE, True)


def _sent(steps: Generator[httpx2.Request, httpx2.Response, str], response: httpx2.Response) -> httpx2.Request | None:
    """The next request of a login; None: there is a token."""
    try:
        return steps.send(response)
    except StopIteration:
        return None


def credential(
    base_url: str, api_key: str | None, username: str | None, password: str | None
) -> ApiKeyAuth | LoginAuth | None:
    """How a client authenticates; None: not at all, as for `health`.

    Raises:
        ValueError: both an API key and a login are given, or half a login.
    """
    if (username is None) != (password is None):
        raise ValueError("A login needs both username and password.")
    if username is None or password is None:
        return None if api_key is None else ApiKeyAuth(api_key)
    if api_key is not None:
        raise ValueError("Give either an API key or a login.")
    return LoginAuth(base_url, username, password)
