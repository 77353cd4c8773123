"""A whole platform over HTTP, in the test's own process and home."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from lianpu.api.app import create_app
from lianpu.engines.image import encode_png
from lianpu.settings import Settings, load_settings

OpenClient = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def settings_for(home: Path) -> Callable[..., Settings]:
    def make(**overrides: Any) -> Settings:
        values = {key.replace("__", "."): value for key, value in overrides.items()}
        return load_settings({"home": str(home), **values}, environment={}, folder=home).settings

    return make


@pytest.fixture
def open_client(settings_for: Callable[..., Settings]) -> OpenClient:
    """`async with open_client(server__api_key=…) as client`: a server with these settings, over the same home."""

    @asynccontextmanager
    async def opened(**overrides: Any) -> AsyncIterator[httpx2.AsyncClient]:
        app = create_app(settings_for(**overrides))
        async with app.router.lifespan_context(app):
            transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
            async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=120) as client:
                client.platform = app.state.platform  # type: ignore[attr-defined]
                yield client

    return opened


@pytest.fixture
async def client(open_client: OpenClient) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_client() as one:
        yield one


@pytest.fixture(scope="session")
def blank_photo() -> bytes:
    """A grey PNG without any face."""
    return encode_png(np.full((200, 300, 3), 128, dtype=np.uint8))
