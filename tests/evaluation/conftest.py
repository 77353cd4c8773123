"""Fixtures of evaluation tests: a home with the kit's fast pack, small data sets made of the kit's faces."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lianpu.packs.install import import_pack
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.storage.archive import ArchiveLimits

LIMITS = ArchiveLimits(max_items=10_000, max_item_bytes=1 << 20, max_total_bytes=1 << 30, max_ratio=200)
PACK = "kit"


@pytest.fixture(scope="session")
def kit_home(testkit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with SCRFD 2.5G + foamliu_arc as the pack `kit`."""
    home = tmp_path_factory.mktemp("evaluation-home")
    import_pack(
        None,
        home / "packs",
        OnnxSessionFactory(["cpu"]),
        name=PACK,
        detector=str(testkit / "models/detection/scrfd_2.5g_bnkps.onnx"),
        embedder=str(testkit / "models/recognition/mobilefacenet_foamliu_arc.onnx"),
        accept_licence=True,
    )
    return home


@pytest.fixture(scope="session")
def few_people(testkit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten persons of LFW with two images each."""
    folder = tmp_path_factory.mktemp("few") / "people"
    for person in sorted((testkit / "images/lfw_small").iterdir())[:10]:
        for image in sorted(person.glob("*.jpg"))[:2]:
            (folder / person.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(image, folder / person.name / image.name)
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, bytes | str]], Path]:
    """Writes files by name into a folder."""

    def make(files: dict[str, bytes | str]) -> Path:
        folder = tmp_path / "source"
        for name, content in files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    return make
