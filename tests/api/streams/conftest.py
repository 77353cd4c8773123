"""Clips with faces, and servers that may read them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.engines.image import decode_image
from lianpu.settings import Settings
from lianpu.streams.pipeline import Pipeline
from tests.api.conftest import API_KEY
from tests.api.streams.nodes import Nodes
from tests.api.streams.server import StreamServer, left_behind, serving_streams
from tests.redis_server import NOTHING_KEPT, redis_server
from tests.streams.clips import made_clip, photo_clip

SIDE = 256
OpenStreams = Callable[..., AbstractAsyncContextManager[StreamServer]]


def square(photo: bytes) -> NDArray[np.uint8]:
    """The upper middle of a photo, with the face in it."""
    pixels = decode_image(photo).pixels
    side = round(0.62 * min(pixels.shape[:2]))
    left = (pixels.shape[1] - side) // 2
    cut = np.ascontiguousarray(pixels[:side, left : left + side])
    return np.asarray(cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory, astronaut_photo: bytes, portraits: list[bytes]) -> Path:
    """A folder: `known.mp4` shows the astronaut, `both.mp4` her and then somebody else, `nobody.mp4` a square."""
    folder = tmp_path_factory.mktemp("clips")
    known = square(astronaut_photo)
    pixels = decode_image(portraits[0]).pixels
    unknown = np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    (folder / "known.mp4").write_bytes(photo_clip([known], 45))
    (folder / "both.mp4").write_bytes(photo_clip([known, unknown], 60))
    (folder / "nobody.mp4").write_bytes(made_clip("mp4", 60))
    return folder


@pytest.fixture
def open_streams(settings_for: Callable[..., Settings], clips: Path) -> OpenStreams:
    """`async with open_streams(streams__max_active=1) as server`: over the same home each time."""

    @asynccontextmanager
    async def opened(**overrides: Any) -> AsyncIterator[StreamServer]:
        values = {"server__api_key": "a-key-that-may-do-everything", "streams__folders": [str(clips)], **overrides}
        async with serving_streams(settings_for(**values)) as server:
            yield server

    return opened


@pytest.fixture
async def server(open_streams: OpenStreams) -> AsyncIterator[StreamServer]:
    async with open_streams() as one:
        yield one
    assert left_behind("/clips") == []


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often frames were looked at and drawn, of all streams."""
    counts = {"looked": 0, "drawn": 0}

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            counts[name] += 1
            return function(*args)

        return call

    monkeypatch.setattr(Pipeline, "look", counted("looked", Pipeline.look))
    monkeypatch.setattr(Pipeline, "drawn", counted("drawn", Pipeline.drawn))
    return counts


@pytest.fixture
async def nodes(server_url: str, home: Path, clips: Path, tmp_path: Path) -> AsyncIterator[Nodes]:
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis", *NOTHING_KEPT) as redis:
        values: dict[str, Any] = {
            "home": str(home),
            "database.url": server_url,
            "nodes.redis": redis,
            "server.api_key": API_KEY,
            "streams.folders": [str(clips)],
        }
        async with AsyncExitStack() as stack:
            yield Nodes(values, stack)
