"""A platform whose enhancer only resizes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest

from lianpu.api.app import create_app
from lianpu.settings import Settings
from tests.api.conftest import API_KEY, CHEAP_HASHES, OpenClient
from tests.api.enhance.lanczos import LanczosEnhancer


@pytest.fixture
def enhancer() -> LanczosEnhancer:
    return LanczosEnhancer()


@pytest.fixture
def open_client(settings_for: Callable[..., Settings], enhancer: LanczosEnhancer) -> OpenClient:
    """As `tests.api.conftest.open_client`, with `enhancer` and without a limit of uploads a minute."""

    @asynccontextmanager
    async def opened(**overrides: Any) -> AsyncIterator[httpx2.AsyncClient]:
        settings = settings_for(**{"server__api_key": API_KEY, "enhance__per_user": None, **overrides})
        app = create_app(settings, hash_cost=CHEAP_HASHES, photo_enhancer=enhancer)
        async with app.router.lifespan_context(app):
            transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://127.0.0.1", headers={"X-API-Key": API_KEY}, timeout=120
            ) as client:
                client.platform = app.state.platform  # type: ignore[attr-defined]
                yield client

    return opened


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A JPEG of 60×40 noise: no two windows of its bytes are alike."""
    return jpeg(1)


def jpeg(seed: int, width: int = 60, height: int = 40, suffix: str = ".jpg") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return cv2.imencode(suffix, pixels)[1].tobytes()
