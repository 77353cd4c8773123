"""A whole platform and its own client."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from lianpu.api.app import create_app
from lianpu.client import AsyncLianpu
from lianpu.settings import Settings, load_settings
from tests.api.conftest import API_KEY, CHEAP_HASHES
from tests.api.enhance.lanczos import LanczosEnhancer

BASE = "http://127.0.0.1"
OpenLianpu = Callable[..., AbstractAsyncContextManager[AsyncLianpu]]


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
def open_lianpu(settings_for: Callable[..., Settings]) -> OpenLianpu:
    """`async with open_lianpu(swap__enabled=True) as lianpu`: may do everything; photos are enhanced by resizing."""

    @asynccontextmanager
    async def opened(**overrides: Any) -> AsyncIterator[AsyncLianpu]:
        settings = settings_for(**{"server__api_key": API_KEY, "enhance__per_user": None, **overrides})
        app = create_app(settings, hash_cost=CHEAP_HASHES, photo_enhancer=LanczosEnhancer())
        async with app.router.lifespan_context(app), somebody(app, api_key=API_KEY) as lianpu:
            lianpu.app = app  # type: ignore[attr-defined]
            yield lianpu

    return opened


def somebody(app: Any, **credential: str) -> AsyncLianpu:
    """A client of the same server."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    return AsyncLianpu(BASE, transport=transport, timeout_s=120, **credential)


@pytest.fixture
async def lianpu(open_lianpu: OpenLianpu) -> AsyncIterator[AsyncLianpu]:
    async with open_lianpu() as one:
        yield one
