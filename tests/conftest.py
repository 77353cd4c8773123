"""Fixtures shared by all tests: the kit of real models and photos, photos everyone uses, a home with a ready pack."""

import asyncio
import importlib.util
import os
import shutil
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

import lianpu  # noqa: F401  (first of all: it switches ONNX Runtime's telemetry off)
from lianpu.database.session import Database
from lianpu.engines.image import decode_image, encode_jpeg
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.openvino import OpenVinoSessionFactory
from lianpu.runtime.providers import Provider

pytest_plugins = ["tests.log_secrets", "tests.databases"]
# The six faces of t1.jpg from the largest: left, top, side in pixels.
FACES = ((436, 275, 137), (904, 69, 115), (52, 265, 115), (720, 357, 115), (1112, 276, 114), (264, 158, 96))


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


@pytest.fixture(scope="session")
def portraits(t1_photo: bytes) -> list[bytes]:
    """The six persons of t1.jpg, one photo each, cut out with a wide margin and scaled a little."""
    photo = decode_image(t1_photo).pixels
    cut: list[bytes] = []
    for left, top, side in FACES:
        margin = round(0.45 * side)
        crop = photo[max(0, top - margin) : top + side + margin, max(0, left - margin) : left + side + margin]
        scaled = cv2.resize(np.ascontiguousarray(crop), None, fx=1.3, fy=1.3, interpolation=cv2.INTER_CUBIC)
        cut.append(encode_jpeg(np.asarray(scaled, dtype=np.uint8), quality=90))
    return cut


@pytest.fixture(scope="session")
def translated_packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that holds the embedded pack, translated once for all tests."""
    cache = tmp_path_factory.mktemp("packs-cache")
    PackRegistry(cache / "none", cache, OnnxSessionFactory()).get("dlib")
    return cache


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the newest schema and nothing in it, made once for all tests."""
    file = tmp_path_factory.mktemp("database") / "lianpu.db"

    async def migrate() -> None:
        database = Database(f"sqlite+aiosqlite:///{file}")
        await database.migrate()
        await database.close()

    asyncio.run(migrate())
    return file


@pytest.fixture
def home(tmp_path: Path, translated_packs: Path, migrated_database: Path) -> Path:
    folder = tmp_path / "home"
    shutil.copytree(translated_packs, folder / "cache" / "packs")
    shutil.copyfile(migrated_database, folder / "lianpu.db")
    return folder


def _network_key(model: Path) -> tuple[object, ...]:
    """A copy keeps the time; whatever was written to since is another network."""
    file = model.stat()
    return model.name, file.st_size, file.st_mtime_ns


@pytest.fixture(scope="session", autouse=True)
def networks_opened_once() -> Iterator[None]:
    """Homes hold copies of the same networks: loaded once, they serve all tests of a process."""
    opened: OrderedDict[tuple[object, ...], object] = OrderedDict()
    create, compile_ = OnnxSessionFactory._create, OpenVinoSessionFactory._compile

    def once(key: tuple[object, ...], make: Callable[[], object]) -> object:
        if key not in opened:
            opened[key] = make()
        opened.move_to_end(key)
        while len(opened) > 12:
            opened.popitem(last=False)
        return opened[key]

    def create_once(self: OnnxSessionFactory, model: str | bytes, providers: Sequence[Provider]) -> object:
        if isinstance(model, bytes) or tuple(providers) != (Provider.CPU,):
            return create(self, model, providers)
        key = (*_network_key(Path(model)), self.threads, self._spinning)
        return once(key, lambda: create(self, model, providers))

    def compile_once(self: OpenVinoSessionFactory, model: Path, *, may_round: bool) -> object:
        key = (*_network_key(model), self._threads, may_round, "openvino")
        return once(key, lambda: compile_(self, model, may_round=may_round))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OnnxSessionFactory, "_create", create_once)
        patch.setattr(OpenVinoSessionFactory, "_compile", compile_once)
        yield
