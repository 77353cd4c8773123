"""Importing, verifying and removing packs: what is recognised, what is refused, and that nothing half-done stays."""

import json
import stat
import tomllib
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from lianpu.errors import (
    ConflictError,
    PackDamagedError,
    PackInUseError,
    PackInvalidError,
    PackLicenceError,
    PackNotFoundError,
    StorageError,
)
from lianpu.packs.folder import read_pack
from lianpu.packs.install import import_pack, remove_pack
from lianpu.packs.manifest import MANIFEST_FILE, Pack
from lianpu.packs.source import SourceLimits
from lianpu.packs.verify import verify_pack
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.genderage_network import write_genderage

MakeEmbedder = Callable[..., Path]
Import = Callable[..., Pack]


@pytest.fixture
def install(packs_dir: Path, sessions: OnnxSessionFactory) -> Import:
    def run(source: Path | None = None, **options: Any) -> Pack:
        return import_pack(source, packs_dir, sessions, **options)

    return run


@pytest.fixture
def kit(install: Import, scrfd: Path, mobilefacenet: Path) -> Import:
    return partial(install, detector=str(scrfd), embedder=str(mobilefacenet), name="kit")


@pytest.fixture
def described(tmp_path: Path, kit: Import) -> Path:
    """A folder with a pack.toml of its own, made from an installed pack; called `mine`."""
    pack = kit(accept_licence=True)
    folder = pack.folder.rename(tmp_path / "source")
    text = (folder / MANIFEST_FILE).read_text()
    (folder / MANIFEST_FILE).write_text(text.replace('name = "kit"', 'name = "mine"'))
    return folder


def zipped(folder: Path, archive: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as output:
        for file in sorted(folder.iterdir()):
            output.write(file, prefix + file.name)
    return archive


def test_R_INF_5_insightface_folder(install: Import, buffalo: Path) -> None:
    pack = install(buffalo, accept_licence=True)
    manifest = pack.manifest
    assert (manifest.name, manifest.version) == ("buffalo_sc", "0.7")
    assert {path.name for path in pack.folder.iterdir()} == {
        "det_500m.onnx",
        "licence.json",
        "pack.toml",
        "w600k_mbf.onnx",
    }
    assert manifest.licence.id == "LicenseRef-InsightFace-NonCommercial"
    assert (manifest.licence.commercial, manifest.licence.acceptance) == (False, True)
    assert "left out: 1k3d68.onnx, 2d106det.onnx" in manifest.summary
    assert manifest.roles.attributes is None
    assert manifest.roles.detector is not None
    assert manifest.roles.detector.engine == "scrfd"
    assert manifest.roles.embedder is not None
    assert (manifest.roles.embedder.engine, manifest.roles.embedder.threshold) == ("arcface", 0.4)
    assert read_pack(pack.folder) == pack


@pytest.mark.parametrize("prefix", ["", "buffalo_sc/"])
def test_R_INF_5_insightface_zip_flat_or_in_a_folder(
    install: Import, buffalo: Path, tmp_path: Path, prefix: str
) -> None:
    archive = zipped(buffalo, tmp_path / "buffalo_sc.zip", prefix)
    assert install(archive, accept_licence=True).name == "buffalo_sc"


def test_R_INF_5_licence_must_be_accepted(install: Import, buffalo: Path, packs_dir: Path) -> None:
    with pytest.raises(PackLicenceError, match="do not allow commercial use") as caught:
        install(buffalo)
    assert (caught.value.code, caught.value.status) == ("pack_licence_not_accepted", 409)
    assert list(packs_dir.iterdir()) == []
    with pytest.raises(PackInvalidError, match="cannot change"):
        install(buffalo, licence="MIT", accept_licence=True)


def test_R_INF_5_insightface_weights_are_known_by_digest(
    install: Import, testkit: Path, make_embedder: MakeEmbedder, tmp_path: Path
) -> None:
    embedder = make_embedder(tmp_path / "own.onnx")
    with pytest.raises(PackLicenceError, match="InsightFace"):
        install(detector=str(testkit / "models/detection/scrfd_2.5g_bnkps.onnx"), embedder=str(embedder), name="own")


@pytest.mark.parametrize("version", [1, 2])
def test_R_INF_5_insightface_manifest_json(install: Import, buffalo: Path, version: int) -> None:
    named = {"manifest_version": version, "model_id": "raccoon_l", "license": "MODEL.LICENSE"}
    if version == 1:
        content = named | {
            "model_version": "v2.1",
            "files": {"detector": "det_500m.onnx", "recognizer": "w600k_mbf.onnx"},
            "recognition": {"input_size": [112, 112], "embedding_dimension": 512, "preprocessing": "x"},
        }
    else:
        recognition = {"file": "w600k_mbf.onnx", "preprocessing": {"mean": 1.5, "std": 2}}
        content = named | {"tasks": {"detection": {"file": "det_500m.onnx"}, "recognition": recognition}}
    (buffalo / "manifest.json").write_text(json.dumps(content))
    pack = install(buffalo, accept_licence=True)
    assert pack.folder.name == ("raccoon_l@2.1" if version == 1 else "raccoon_l@0.7")
    assert pack.manifest.roles.embedder is not None
    assert (pack.manifest.roles.embedder.mean, pack.manifest.roles.embedder.std) == (
        (None, None) if version == 1 else (1.5, 2.0)
    )


@pytest.mark.parametrize("text", ["[]", "{", '{"manifest_version": 2, "tasks": 3}'])
def test_R_INF_5_bad_manifest_json(install: Import, buffalo: Path, text: str) -> None:
    (buffalo / "manifest.json").write_text(text)
    with pytest.raises(PackInvalidError):
        install(buffalo, accept_licence=True)


def test_R_INF_5_plain_files_are_told_apart_by_their_graphs(
    install: Import, testkit: Path, mobilefacenet: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "My Nets"
    folder.mkdir()
    models = [*(testkit / "models").glob("attributes/*.onnx"), *(testkit / "models").glob("landmarks/*112.onnx")]
    models += [mobilefacenet, testkit / "models/detection/face_detection_yunet_2023mar.onnx"]
    for model in models:
        (folder / model.name).write_bytes(model.read_bytes())
    pack = install(folder, accept_licence=True)
    roles = pack.manifest.roles
    assert pack.folder.name == "my-nets@1"
    assert roles.detector is not None
    assert roles.embedder is not None
    assert (roles.detector.engine, roles.embedder.file) == ("yunet", "mobilefacenet_foamliu_arc.onnx")
    assert pack.manifest.licence.id == "LicenseRef-Unknown"


def test_R_INF_5_unknown_origin_needs_a_licence_or_acceptance(
    kit: Import, install: Import, testkit: Path, mobilefacenet: Path
) -> None:
    yunet = str(testkit / "models/detection/face_detection_yunet_2023mar.onnx")
    named = partial(install, detector=yunet, embedder=str(mobilefacenet))
    with pytest.raises(PackLicenceError, match="are not known"):
        named(name="own")
    free = named(name="own", licence="Apache-2.0").manifest.licence
    assert (free.id, free.commercial, free.acceptance) == ("Apache-2.0", True, False)
    with pytest.raises(PackLicenceError):
        named(name="own2", licence="CC-BY-NC-4.0")
    assert not named(name="own2", licence="CC-BY-NC-4.0", accept_licence=True).manifest.licence.commercial


def test_R_INF_5_several_candidates_are_named(install: Import, testkit: Path) -> None:
    with pytest.raises(PackInvalidError, match=r"scrfd_500m_kps_640\.onnx, yunet_n_dynamic\.onnx.*--detector"):
        install(testkit / "models/detection")


def test_R_INF_5_embedder_alone_and_nothing_at_all(install: Import, mobilefacenet: Path, tmp_path: Path) -> None:
    with pytest.raises(PackInvalidError, match=r"holds no detector.*--detector FILE"):
        install(mobilefacenet)
    (tmp_path / "empty").mkdir()
    with pytest.raises(PackInvalidError, match=r"no pack\.toml and no ONNX files"):
        install(tmp_path / "empty")
    with pytest.raises(PackInvalidError, match="There is no file"):
        install(tmp_path / "absent")


def test_R_INF_5_detector_without_points_is_refused(install: Import, without_points: Path, mobilefacenet: Path) -> None:
    with pytest.raises(PackInvalidError, match="gives no landmarks"):
        install(detector=str(without_points), embedder=str(mobilefacenet), name="own")


def test_R_INF_5_named_roles_must_fit(install: Import, scrfd: Path, mobilefacenet: Path) -> None:
    with pytest.raises(PackInvalidError, match="cannot be the detector"):
        install(detector=str(mobilefacenet), embedder=str(scrfd), name="own")


@pytest.mark.parametrize("scale", [0.0, float("nan")])
def test_R_INF_5_network_that_answers_nonsense_is_not_installed(
    install: Import, scrfd: Path, make_embedder: MakeEmbedder, packs_dir: Path, tmp_path: Path, scale: float
) -> None:
    embedder = make_embedder(tmp_path / "own.onnx", scale=scale)
    with pytest.raises(PackDamagedError, match=r"same embedding whatever|not finite"):
        install(detector=str(scrfd), embedder=str(embedder), name="own", licence="MIT")
    assert list(packs_dir.iterdir()) == []


def test_R_INF_5_file_that_is_no_network(install: Import, buffalo: Path, packs_dir: Path) -> None:
    whole = (buffalo / "w600k_mbf.onnx").read_bytes()
    (buffalo / "w600k_mbf.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PackDamagedError, match=r"w600k_mbf\.onnx"):
        install(buffalo, accept_licence=True)
    assert list(packs_dir.iterdir()) == []


def test_R_INF_5_described_pack(install: Import, described: Path, tmp_path: Path) -> None:
    with pytest.raises(PackLicenceError):
        install(zipped(described, tmp_path / "mine.zip"))
    pack = install(tmp_path / "mine.zip", accept_licence=True)
    assert pack.folder.name == "mine@1"
    with pytest.raises(PackInvalidError, match="says name"):
        install(described, name="other")


@pytest.mark.parametrize("fault", ["digest", "truncated", "missing", "unknown", "engine", "embedded"])
def test_R_INF_5_described_pack_with_a_fault(
    install: Import, described: Path, packs_dir: Path, mobilefacenet: Path, fault: str
) -> None:
    content = tomllib.loads((described / MANIFEST_FILE).read_text())
    file = described / mobilefacenet.name
    data = bytearray(file.read_bytes())
    match fault:
        case "digest":
            data[len(data) // 2] ^= 1
            file.write_bytes(data)
        case "truncated":
            file.write_bytes(data[:1000])
        case "missing":
            file.unlink()
        case "unknown":
            content["surprise"] = True
        case "engine":
            content["roles"]["embedder"]["engine"] = "absent-engine"
        case _:
            content["name"] = "dlib"
    (described / MANIFEST_FILE).write_text(tomli_w.dumps(content))
    expected = {
        "digest": "has SHA-256",
        "truncated": "cut short",
        "missing": "has no file",
        "unknown": "surprise",
        "engine": "no engine 'absent-engine' is installed",
        "embedded": "embedded pack",
    }
    with pytest.raises((PackDamagedError, PackInvalidError), match=expected[fault]):
        install(described, accept_licence=True)
    assert list(packs_dir.iterdir()) == []


def test_R_INF_5_importing_again_changes_nothing_and_another_is_refused(
    kit: Import, testkit: Path, packs_dir: Path
) -> None:
    first = kit(accept_licence=True)
    written = (first.folder / MANIFEST_FILE).stat().st_mtime_ns
    assert kit(accept_licence=True) == first
    assert (first.folder / MANIFEST_FILE).stat().st_mtime_ns == written
    other = str(testkit / "models/recognition/mobilefacenet_insightface_y1.onnx")
    with pytest.raises(ConflictError, match="Another pack 'kit@1'"):
        kit(accept_licence=True, embedder=other)
    assert kit(accept_licence=True, embedder=other, version="2").folder.name == "kit@2"
    assert sorted(path.name for path in packs_dir.iterdir()) == ["kit@1", "kit@2"]


def test_R_INF_5_same_weights_from_a_folder_and_a_zip_are_one_pack(
    install: Import, buffalo: Path, tmp_path: Path
) -> None:
    first = install(buffalo, accept_licence=True)
    again = install(zipped(buffalo, tmp_path / "download.zip"), name="buffalo_sc", accept_licence=True)
    assert again == first


def test_R_INF_5_importing_again_mends_damaged_files(
    kit: Import, sessions: OnnxSessionFactory, mobilefacenet: Path
) -> None:
    pack = kit(accept_licence=True)
    file = pack.path_of(mobilefacenet.name)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert "has SHA-256" in verify_pack(pack, sessions)[0]
    assert verify_pack(kit(accept_licence=True), sessions) == []


def test_R_INF_5_concurrent_imports_give_one_pack(kit: Import, packs_dir: Path, sessions: OnnxSessionFactory) -> None:
    with ThreadPoolExecutor(6) as pool:
        packs = list(pool.map(lambda _: kit(accept_licence=True), range(6)))
    assert len({pack.folder for pack in packs}) == 1
    assert [path.name for path in packs_dir.iterdir()] == ["kit@1"]
    assert verify_pack(packs[0], sessions) == []


@pytest.mark.parametrize(
    "name", ["../evil.onnx", "/abs.onnx", "a/../../evil.onnx", "C:/x.onnx", "..\\evil.onnx", "a//b.onnx", "a\0b.onnx"]
)
def test_R_INF_5_zip_slip(install: Import, tmp_path: Path, packs_dir: Path, name: str) -> None:
    archive = tmp_path / "evil.zip"
    with zipfile.ZipFile(archive, "w") as output:
        entry = zipfile.ZipInfo("placeholder")
        entry.filename = name
        output.writestr(entry, b"x")
    with pytest.raises(PackInvalidError, match="unsafe path"):
        install(archive)
    assert not packs_dir.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"evil.zip"}


def test_R_INF_5_links_are_not_followed(install: Import, buffalo: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.onnx"
    secret.write_bytes(b"private")
    (buffalo / "extra.onnx").symlink_to(secret)
    with pytest.raises(PackInvalidError, match="leads out"):
        install(buffalo, accept_licence=True)
    archive = tmp_path / "links.zip"
    with zipfile.ZipFile(archive, "w") as output:
        link = zipfile.ZipInfo("det.onnx")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        output.writestr(link, str(secret))
    with pytest.raises(PackInvalidError, match="link or a device"):
        install(archive)


def test_R_INF_5_bombs_are_refused_before_they_unpack(install: Import, tmp_path: Path, packs_dir: Path) -> None:
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as output, output.open("det.onnx", "w") as stream:
        for _ in range(64):
            stream.write(bytes(1 << 20))
    with pytest.raises(PackInvalidError, match="bomb"):
        install(archive)
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as output:
        for number in range(1001):
            output.writestr(f"{number}.onnx", b"")
    with pytest.raises(PackInvalidError, match="more than 1000 files"):
        install(many)
    assert not packs_dir.exists()


def test_R_INF_5_import_limits(install: Import, buffalo: Path, tmp_path: Path, packs_dir: Path) -> None:
    small = SourceLimits(file_bytes=1_000_000)
    with pytest.raises(PackInvalidError, match="larger than an import"):
        install(buffalo, accept_licence=True, limits=small)
    with pytest.raises(PackInvalidError, match="more than an import"):
        install(zipped(buffalo, tmp_path / "b.zip"), accept_licence=True, limits=small)
    assert list(packs_dir.iterdir()) == []


def test_R_INF_5_damaged_archives(install: Import, buffalo: Path, tmp_path: Path) -> None:
    archive = zipped(buffalo, tmp_path / "buffalo_sc.zip")
    data = bytearray(archive.read_bytes())
    (tmp_path / "short.zip").write_bytes(data[: len(data) // 2])
    with pytest.raises(PackDamagedError, match="cut short"):
        install(tmp_path / "short.zip", accept_licence=True)
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)
    with pytest.raises(PackDamagedError, match="is damaged"):
        install(archive, accept_licence=True)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(PackInvalidError, match="neither a folder"):
        install(tmp_path / "notes.txt")


def test_R_INF_5_packs_folder_that_cannot_be_made(buffalo: Path, tmp_path: Path, sessions: OnnxSessionFactory) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        import_pack(buffalo, tmp_path / "file" / "packs", sessions, accept_licence=True)


def test_R_INF_5_remove(kit: Import, packs_dir: Path) -> None:
    kit(accept_licence=True)
    kit(accept_licence=True, version="2")
    with pytest.raises(ConflictError, match="kit@1, kit@2"):
        remove_pack("kit", packs_dir)
    remove_pack("kit@1", packs_dir)
    (packs_dir / "kit@2" / MANIFEST_FILE).write_text("damaged")
    remove_pack("kit", packs_dir)
    assert list(packs_dir.iterdir()) == []
    with pytest.raises(PackNotFoundError):
        remove_pack("kit", packs_dir)
    with pytest.raises(PackInUseError, match="part of the installation"):
        remove_pack("dlib", packs_dir)


@pytest.mark.parametrize("declared", [False, True])
def test_R_INF_4_insightface_folder_with_genderage_gets_the_role(
    install: Import, buffalo: Path, sessions: OnnxSessionFactory, declared: bool
) -> None:
    write_genderage(buffalo / "genderage.onnx")
    if declared:
        tasks = {"detection": {"file": "det_500m.onnx"}, "recognition": {"file": "w600k_mbf.onnx"}}
        (buffalo / "manifest.json").write_text(
            json.dumps({"manifest_version": 2, "model_id": "raccoon_l", "license": "MODEL.LICENSE", "tasks": tasks})
        )
    pack = install(buffalo, accept_licence=True)
    role = pack.manifest.roles.attributes
    assert role is not None
    assert (role.engine, role.file) == ("genderage", "genderage.onnx")
    assert "left out: 1k3d68.onnx, 2d106det.onnx" in pack.manifest.summary
    assert verify_pack(pack, sessions) == []
    assert read_pack(pack.folder) == pack


def test_R_INF_4_attributes_alone_make_no_pack(install: Import, tmp_path: Path) -> None:
    write_genderage(tmp_path / "alone" / "genderage.onnx")
    with pytest.raises(PackInvalidError, match="holds no detector"):
        install(tmp_path / "alone", accept_licence=True)


def test_R_INF_4_two_networks_for_attributes_are_not_guessed_at(install: Import, buffalo: Path) -> None:
    write_genderage(buffalo / "genderage.onnx")
    write_genderage(buffalo / "other.onnx", normalises_itself=False)
    with pytest.raises(PackInvalidError, match=r"2 networks for gender and age: genderage\.onnx, other\.onnx"):
        install(buffalo, accept_licence=True)
