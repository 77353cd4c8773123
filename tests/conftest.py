"""Fixtures shared by all tests: where the kit of real models and photos is, and two photos everyone uses."""

import importlib.util
import os
from pathlib import Path

import pytest

import lianpu  # noqa: F401  (first of all: it switches ONNX Runtime's telemetry off)


@pytest.fixture(scope="session")
def testkit() -> Path:
    """Folder of the test kit (`LIANPU_TESTKIT`, else ../shared/testkit beside the repository); skips without it."""
    named = os.environ.get("LIANPU_TESTKIT")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "testkit"
    if not (folder / "MANIFEST.tsv").is_file():
        pytest.skip(f"no test kit at {folder}; set LIANPU_TESTKIT")
    return folder


@pytest.fixture(scope="session")
def t1_photo() -> bytes:
    """JPEG bytes of InsightFace's t1.jpg (1280x886, six faces), from the installed development package."""
    found = importlib.util.find_spec("insightface")
    if found is None or found.origin is None:
        pytest.skip("the development package insightface is not installed")
    return (Path(found.origin).parent / "data" / "images" / "t1.jpg").read_bytes()


@pytest.fixture(scope="session")
def astronaut_photo() -> bytes:
    """PNG bytes of scikit-image's astronaut (512x512, one face, public domain)."""
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        pytest.skip("the development package scikit-image is not installed")
    return (Path(found.origin).parent / "data" / "astronaut.png").read_bytes()
