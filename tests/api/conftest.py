"""A whole platform over HTTP, in the test's own process and home."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from lianpu.accounts.passwords import HashCost
from lianpu.api.app import create_app
from lianpu.engines.image import encode_png
from lianpu.packs.install import import_pack
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.settings import Settings, load_settings
from tests.databases import served

# Argon2id at its least: what tests log in with is no secret.
CHEAP_HASHES = HashCost(iterations=1, memory_kib=8, lanes=1)
API_KEY = "a key that may do everything".replace(" ", "-")
OpenClient = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def api_database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The database's URL; None: SQLite in the home. `pytest tests/api --server mariadb` runs all of them on MariaDB."""
    kind = request.config.getoption("--server")
    if kind is None:
        yield None
    else:
        yield from served(request.getfixturevalue("database_server")(kind))


@pytest.fixture
def settings_for(home: Path, api_database: str | None) -> Callable[..., Settings]:
    def make(**overrides: Any) -> Settings:
        values = {key.replace("__", "."): value for key, value in overrides.items()}
        if api_database is not None:
            values["database.url"] = api_database
        return load_settings({"home": str(home), **values}, environment={}, folder=home).settings

    return make


@pytest.fixture
def open_client(settings_for: Callable[..., Settings]) -> OpenClient:
    """`async with open_client(server__api_key=…) as client`: a server with these settings, over the same home.

    The client may do everything, unless it sends other headers.
    """

    @asynccontextmanager
    async def opened(**overrides: Any) -> AsyncIterator[httpx2.AsyncClient]:
        key = overrides.setdefault("server__api_key", API_KEY)
        app = create_app(settings_for(**overrides), hash_cost=CHEAP_HASHES)
        async with app.router.lifespan_context(app):
            transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://127.0.0.1", headers={"X-API-Key": key}, timeout=120
            ) as client:
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


@pytest.fixture(scope="session")
def kit_packs(testkit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packs folder with `kit` (SCRFD 2.5G and a MobileFaceNet) and `minifasnet`, imported once for all tests."""
    packs, models, sessions = tmp_path_factory.mktemp("packs"), testkit / "models", OnnxSessionFactory()
    import_pack(
        None,
        packs,
        sessions,
        name="kit",
        detector=str(models / "detection/scrfd_2.5g_bnkps.onnx"),
        embedder=str(models / "recognition/mobilefacenet_foamliu_arc.onnx"),
        accept_licence=True,
    )
    import_pack(models / "antispoof", packs, sessions)
    return packs


@pytest.fixture
def open_kit_client(open_client: OpenClient, home: Path, kit_packs: Path) -> OpenClient:
    """As `open_client`, with the packs of `kit_packs`; `kit` is the default."""
    shutil.copytree(kit_packs, home / "packs")

    @asynccontextmanager
    async def opened(**overrides: Any) -> AsyncIterator[httpx2.AsyncClient]:
        async with open_client(**{"packs__default": "kit", **overrides}) as client:
            yield client

    return opened


@pytest.fixture(scope="session")
def pair_of_packs(testkit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packs folder with `foamliu@1` and `insightface@1`: one detector, two recognisers of 128 dimensions each.

    `blind@1` is `insightface` with a detector that is never sure enough of a face.
    """
    packs, models, sessions = tmp_path_factory.mktemp("pair"), testkit / "models", OnnxSessionFactory()
    recognisers = {"foamliu": "foamliu_arc", "insightface": "insightface_y1", "blind": "insightface_y1"}
    for name, file in recognisers.items():
        import_pack(
            None,
            packs,
            sessions,
            name=name,
            version="1",
            detector=str(models / "detection/scrfd_2.5g_bnkps.onnx"),
            embedder=str(models / f"recognition/mobilefacenet_{file}.onnx"),
            accept_licence=True,
        )
    manifest = packs / "blind@1" / "pack.toml"
    manifest.write_text(manifest.read_text().replace("score_threshold = 0.5", "score_threshold = 0.999"))
    assert "0.999" in manifest.read_text()
    return packs


@pytest.fixture
def open_pair_client(open_client: OpenClient, home: Path, pair_of_packs: Path) -> OpenClient:
    """As `open_client`, with the packs of `pair_of_packs`; `foamliu` is the default."""
    shutil.copytree(pair_of_packs, home / "packs")

    @asynccontextmanager
    async def opened(**overrides: Any) -> AsyncIterator[httpx2.AsyncClient]:
        async with open_client(**{"packs__default": "foamliu", **overrides}) as client:
            yield client

    return opened


@pytest.fixture(scope="session")
def lfw_people(testkit: Path) -> dict[str, list[bytes]]:
    """Eight people of LFW, four photos each."""
    folders = sorted((testkit / "images/lfw_small").iterdir())[:8]
    return {folder.name: [file.read_bytes() for file in sorted(folder.glob("*.jpg"))] for folder in folders}
