"""A whole platform over HTTP, in the test's own process and home."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest

from lianpu.api.app import create_app
from lianpu.engines.face.analyzer import load_analyzer
from lianpu.engines.image import decode_image, encode_jpeg, encode_png
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.settings import Settings, load_settings

OpenClient = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def translated_packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that holds the embedded pack, translated once for all tests."""
    cache = tmp_path_factory.mktemp("packs-cache")
    PackRegistry(cache / "none", cache, OnnxSessionFactory()).get("dlib")
    return cache


@pytest.fixture
def home(tmp_path: Path, translated_packs: Path) -> Path:
    folder = tmp_path / "home"
    shutil.copytree(translated_packs, folder / "cache" / "packs")
    return folder


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
def portraits(t1_photo: bytes, translated_packs: Path) -> list[bytes]:
    """The six faces of t1.jpg cut out with a wide margin and shrunk a little: one photo a person, none the original."""
    sessions = OnnxSessionFactory()
    analyzer = load_analyzer(PackRegistry(translated_packs / "none", translated_packs, sessions).get("dlib"), sessions)
    photo = decode_image(t1_photo)
    cut: list[bytes] = []
    for face in analyzer.detect(photo.pixels):
        margin = 0.45 * face.box.width
        x1, y1 = max(0, round(face.box.x1 - margin)), max(0, round(face.box.y1 - margin))
        x2, y2 = round(face.box.x2 + margin), round(face.box.y2 + margin)
        crop = np.ascontiguousarray(photo.pixels[y1:y2, x1:x2])
        scaled = cv2.resize(crop, None, fx=1.3, fy=1.3, interpolation=cv2.INTER_CUBIC)
        cut.append(encode_jpeg(np.asarray(scaled, dtype=np.uint8), quality=90))
    assert len(cut) == 6
    return cut


@pytest.fixture(scope="session")
def blank_photo() -> bytes:
    """A grey PNG without any face."""
    return encode_png(np.full((200, 300, 3), 128, dtype=np.uint8))
