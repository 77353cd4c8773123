"""How commands reach the platform: through the running server of this home, or through the same API in this process."""

import getpass
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
from rich.console import Console

from lianpu.accounts.accounts import accounts_of
from lianpu.accounts.tokens import AccessTokens
from lianpu.api.app import create_app
from lianpu.bootstrap import database_of, prepare_home
from lianpu.cli.home_lock import held_home, server_address
from lianpu.errors import LianpuError
from lianpu.settings import Settings

# A first call may translate and load a pack; a large photo on a small machine takes seconds.
TIMEOUT_S = 300


@asynccontextmanager
async def open_client(settings: Settings, *, writes: bool) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of the API.

    Args:
        writes: hold the home while working in this process, so that no server starts on it meanwhile.

    Raises:
        HomeInUseError: another command that writes holds the home.
        StartError: the platform cannot start here.
        UnreachableError: the server went away in between.
    """
    prepare_home(settings)
    credential = LocalCredential(accounts_of(settings, database_of(settings)).tokens)
    address = server_address(settings.home)
    async with AsyncExitStack() as stack:
        if address is not None:
            Console(stderr=True).print(f"through the server at {address}", style="dim", markup=False, highlight=False)
            # Faces and the key go to this machine's server, never through a proxy that the environment names.
            client = httpx2.AsyncClient(base_url=address, auth=credential, timeout=TIMEOUT_S, trust_env=False)
        else:
            node = stack.enter_context(held_home(settings, None)) if writes else None
            app = create_app(settings, runs_jobs=writes, serves=False, node=node)
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx2.ASGITransport(app)
            client = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", auth=credential)
        try:
            yield await stack.enter_async_context(client)
        except httpx2.TransportError as error:
            cause = str(error) or type(error).__name__
            raise UnreachableError(f"The server at {address} does not answer: {cause}.") from error


class LocalCredential(httpx2.Auth):
    """Whoever can read the home's secret is its administrator: each request carries a fresh token made from it."""

    def __init__(self, tokens: AccessTokens) -> None:
        self._tokens = tokens

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._tokens.issue_local(getpass.getuser())}"
        yield request


class UnreachableError(LianpuError):
    """Nothing answers, or something that is no Lianpu server."""

    code, title = "server_unreachable", "Server not reachable"


class JobFailedError(LianpuError):
    """A job that this command waited for did not complete."""

    code, title = "job_failed", "Job failed"


class AnswerError(LianpuError):
    """The API refused; carries its problem document."""

    code, title = "api_refused", "Refused"

    def __init__(self, problem: dict[str, Any]) -> None:
        fields = "".join(f"\n  {item['field']}: {item['message']}" for item in problem.get("errors", []))
        super().__init__(f"{problem['title']} [{problem['code']}]: {problem['detail']}{fields}")
        self.problem = problem


def answer_of(response: httpx2.Response) -> dict[str, Any]:
    """The JSON of an answer.

    Raises:
        AnswerError: the API answered with a problem.
        UnreachableError: what answered is no Lianpu server.
    """
    try:
        document: dict[str, Any] = response.json()
    except ValueError as error:
        raise UnreachableError(f"What answers at {response.url} is no Lianpu server.") from error
    if response.is_error:
        raise AnswerError(document)
    return document
