"""How commands reach the platform: through the running server of this home, or through the same API in this process."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
from rich.console import Console

from lianpu.api.app import create_app
from lianpu.bootstrap import prepare_home
from lianpu.cli.home_lock import locked_home, server_address
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
    """
    prepare_home(settings)
    key = settings.server.api_key
    headers = {} if key is None else {"X-API-Key": key.get_secret_value()}
    address = server_address(settings.home)
    async with AsyncExitStack() as stack:
        if address is not None:
            Console(stderr=True).print(f"[dim]through the server at {address}[/dim]")
            client = httpx2.AsyncClient(base_url=address, headers=headers, timeout=TIMEOUT_S)
        else:
            if writes:
                stack.enter_context(locked_home(settings.home, None))
            app = create_app(settings)
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx2.ASGITransport(app)
            client = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)
        yield await stack.enter_async_context(client)


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
    """
    document: dict[str, Any] = response.json()
    if response.is_error:
        raise AnswerError(document)
    return document
