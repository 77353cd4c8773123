"""Pulling packs: the catalogue, terms first, real packs from a server on loopback, what goes wrong, and archives."""

import errno
import hashlib
import io
import json
import stat
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from lianpu.engines.face.analyzer import load_analyzer
from lianpu.errors import (
    PackDamagedError,
    PackDigestError,
    PackExistsError,
    PackInvalidError,
    PackLicenceError,
    PackNotFoundError,
    StorageError,
)
from lianpu.packs.catalogued import CataloguedPack, read_catalogue
from lianpu.packs.download import Downloads
from lianpu.packs.install import import_pack
from lianpu.packs.manifest import Family, Pack
from lianpu.packs.pull import pull_pack
from lianpu.packs.registry import PackRegistry
from lianpu.packs.source import PackSource, SourceLimits
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.packs.nasty_server import Manners, NastyServer, nasty_server
from tests.packs.test_download import FAST

NON_COMMERCIAL = {
    "id": "LicenseRef-InsightFace-NonCommercial",
    "commercial": False,
    "acceptance": True,
    "url": "https://github.com/deepinsight/insightface#license",
}


@pytest.fixture
def server() -> Iterator[NastyServer]:
    with nasty_server() as one:
        yield one


@pytest.fixture
def downloads(tmp_path: Path) -> Downloads:
    return Downloads(tmp_path / "downloads", limits=FAST)


@pytest.fixture
def pull(packs_dir: Path, sessions: OnnxSessionFactory, downloads: Downloads) -> Callable[..., Pack]:
    def pulled(entry: CataloguedPack, **given: Any) -> Pack:
        given = {"accept_licence": True, "progress": lambda done, total: None, "is_cancelled": lambda: False, **given}
        return pull_pack(entry, packs_dir, sessions, downloads, **given).pack

    return pulled


def zipped(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, f"{folder.name}/{file.relative_to(folder)}")
    return stream.getvalue()


def file_of(path: str, content: bytes, *urls: str) -> dict[str, Any]:
    return {"path": path, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "urls": urls}


def entry_of(*files: dict[str, Any], **fields: Any) -> CataloguedPack:
    content = {"name": "kit", "version": "1", "licence": {"id": "MIT", "commercial": True}, **fields}
    return CataloguedPack.model_validate({**content, "files": files})


def left_in(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


def test_R_INF_5_the_catalogue_knows_the_official_weights(testkit: Path) -> None:
    catalogue = read_catalogue()
    families = {pack.label: pack.family for pack in catalogue.packs}
    for name in ("buffalo_l", "buffalo_m", "buffalo_s", "buffalo_sc", "antelopev2"):
        assert families[f"{name}@0.7"] is Family.FACE
    assert {*families.values()} == {*Family}
    listed = (testkit / "OFFICIAL_WEIGHTS.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in listed]
    facts = {(row[1].partition(" ")[0], row[2], row[3]) for row in rows}
    for pack in catalogue.packs:
        assert pack.licence.commercial or pack.licence.acceptance, pack.label
        for file in pack.files:
            assert all((url, file.sha256, str(file.bytes or "")) in facts for url in file.urls), file
            assert all(url.startswith("https://") for url in file.urls)


def test_R_INF_5_own_catalogues_are_read_and_go_first(tmp_path: Path) -> None:
    entry = entry_of(file_of("w.zip", b"x"), name="buffalo_l", version="0.7").model_dump(mode="json", exclude_none=True)
    own = tmp_path / "own"
    own.mkdir()
    (own / "a.toml").write_text(tomli_w.dumps({"packs": [entry, {**entry, "version": "0.10"}]}))
    catalogue = read_catalogue([own])
    assert catalogue.find("buffalo_l@0.7").licence.id == "MIT"
    assert catalogue.find("buffalo_l").version == "0.10"
    with pytest.raises(PackNotFoundError):
        catalogue.find("buffalo_l@9")


@pytest.mark.parametrize(
    "change",
    [
        {"name": "dlib"},
        {"files": []},
        {"files": [file_of("../up.onnx", b"x")]},
        {"files": [file_of("a.onnx", b"x", "ftp://example.org/a.onnx")]},
        {"files": [file_of("a.onnx", b"x")]},
        {"files": [file_of("a.zip", b"x"), file_of("b.onnx", b"x")]},
        {"roles": {"detector": {"engine": "scrfd", "file": "other.onnx"}}},
        {"surprise": 1},
    ],
)
def test_R_INF_5_a_catalogue_that_is_wrong_names_the_field(change: dict[str, Any], tmp_path: Path) -> None:
    entry = entry_of(file_of("w.zip", b"x")).model_dump(mode="json", exclude_none=True)
    path = tmp_path / "own.toml"
    path.write_text(tomli_w.dumps({"packs": [{**entry, **change}]}))
    with pytest.raises(PackInvalidError, match=r"own\.toml") as error:
        read_catalogue([path])
    assert error.value.errors


def test_R_INF_5_a_catalogue_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(PackInvalidError, match=r"packs\.catalogue"):
        read_catalogue([tmp_path / "none.toml"])


def test_R_INF_5_an_insightface_zip_is_pulled_and_recognises(
    server: NastyServer, pull: Callable[..., Pack], downloads: Downloads, buffalo: Path, sessions: OnnxSessionFactory
) -> None:
    archive = zipped(buffalo)
    url = server.serve("/buffalo_sc.zip", archive, Manners(cut_after=len(archive) // 2), Manners())
    entry = entry_of(file_of("buffalo_sc.zip", archive, url), name="buffalo_sc", version="0.7", licence=NON_COMMERCIAL)
    seen: list[tuple[int, int | None]] = []
    pack = pull(entry, progress=lambda done, total: seen.append((done, total)))
    assert load_analyzer(pack, sessions).dimension == 512
    assert seen[-1] == (len(archive), len(archive))
    accepted = json.loads((pack.folder / "licence.json").read_text())
    assert accepted["licence"] == NON_COMMERCIAL["id"]
    assert accepted["accepted_at"]
    assert left_in(downloads.folder) == []
    assert pull(entry).folder == pack.folder
    assert len(server.asked) == 2


def test_R_INF_5_yunet_and_a_recogniser_of_two_files_make_one_pack(
    server: NastyServer, pull: Callable[..., Pack], testkit: Path, packs_dir: Path, sessions: OnnxSessionFactory
) -> None:
    """With the roles of the entry `yunet-sface`, whose recogniser itself is not in the kit."""
    described = read_catalogue().find("yunet-sface")
    sources = {
        "face_detection_yunet_2023mar.onnx": testkit / "models/detection/face_detection_yunet_2023mar.onnx",
        "face_recognition_sface_2021dec.onnx": testkit / "models/recognition/mobilefacenet_foamliu_arc.onnx",
    }
    contents = {name: path.read_bytes() for name, path in sources.items()}
    files = [file_of(name, content, server.serve(f"/{name}", content)) for name, content in contents.items()]
    entry = entry_of(*files, name="yunet-other", roles=described.roles, licence=described.licence)
    pack = pull(entry)
    analyzer = load_analyzer(PackRegistry(packs_dir, packs_dir, sessions).get("yunet-other"), sessions)
    assert analyzer.raw_threshold == 0.363
    assert pack.manifest.sources == tuple(file["urls"][0] for file in files)
    assert not (pack.folder / "licence.json").exists()


def test_R_INF_5_weights_of_other_families_are_installed_and_are_no_face_pack(
    server: NastyServer, pull: Callable[..., Pack], packs_dir: Path, sessions: OnnxSessionFactory
) -> None:
    content = b"weights of a restorer"
    entry = entry_of(file_of("restorer.pth", content, server.serve("/r", content)), family="restore")
    pack = pull(entry)
    assert (pack.folder / "restorer.pth").read_bytes() == content
    status = {item.name: item for item in PackRegistry(packs_dir, packs_dir, sessions).list()}["kit"]
    assert status.manifest is not None
    assert status.manifest.family is Family.RESTORE
    with pytest.raises(PackInvalidError):
        load_analyzer(pack, sessions)


def test_R_INF_5_nothing_is_requested_before_the_terms_are_accepted(
    server: NastyServer, pull: Callable[..., Pack], tmp_path: Path
) -> None:
    entry = entry_of(file_of("w.zip", b"x", server.serve("/w.zip", b"x")), licence=NON_COMMERCIAL)
    with pytest.raises(PackLicenceError) as error:
        pull(entry, accept_licence=False)
    assert error.value.context["licence"] == NON_COMMERCIAL["id"]
    assert error.value.context["url"] == NON_COMMERCIAL["url"]
    assert server.asked == []
    assert left_in(tmp_path) == []


def test_R_INF_5_a_wrong_digest_leaves_nothing(server: NastyServer, pull: Callable[..., Pack], tmp_path: Path) -> None:
    url = server.serve("/w.zip", b"what is served")
    with pytest.raises(PackDigestError):
        pull(entry_of(file_of("w.zip", b"what is wanted", url)))
    assert left_in(tmp_path) == []


def test_R_INF_5_another_pack_of_that_name_is_never_overwritten(
    server: NastyServer, pull: Callable[..., Pack], scrfd: Path, mobilefacenet: Path, packs_dir: Path
) -> None:
    first, second = scrfd.read_bytes(), mobilefacenet.read_bytes()
    pull(entry_of(file_of("a.pth", first, server.serve("/a", first)), family="swap"))
    asked = len(server.asked)
    with pytest.raises(PackExistsError) as error:
        pull(entry_of(file_of("a.pth", second, server.serve("/b", second)), family="swap"))
    assert (error.value.code, error.value.status) == ("pack_exists", 409)
    assert len(server.asked) == asked
    assert (packs_dir / "kit@1" / "a.pth").read_bytes() == first


def test_R_INF_5_a_damaged_pack_is_mended_by_another_pull(server: NastyServer, pull: Callable[..., Pack]) -> None:
    content = b"weights"
    entry = entry_of(file_of("a.pth", content, server.serve("/a", content)), family="swap")
    path = pull(entry).folder / "a.pth"
    path.write_bytes(b"wEights")
    pull(entry)
    assert path.read_bytes() == content


def test_R_INF_5_an_archive_must_hold_the_pack_that_the_catalogue_names(
    server: NastyServer, pull: Callable[..., Pack], buffalo: Path, packs_dir: Path, sessions: OnnxSessionFactory,
    tmp_path: Path,
) -> None:  # fmt: skip
    other = import_pack(buffalo, tmp_path / "elsewhere", sessions, accept_licence=True)
    archive = zipped(other.folder)
    with pytest.raises(PackInvalidError, match=r"buffalo_sc@0\.7"):
        pull(entry_of(file_of("w.zip", archive, server.serve("/w.zip", archive))))
    assert left_in(packs_dir, tmp_path / "downloads") == []


def test_R_INF_5_a_mirror_alone_will_do(server: NastyServer, packs_dir: Path, sessions: OnnxSessionFactory) -> None:
    content = b"weights"
    server.serve("/mirror/a.pth", content)
    downloads = Downloads(packs_dir.parent / "d", mirrors=[f"{server.address}/mirror"], limits=FAST)
    entry = entry_of(file_of("a.pth", content), family="upscale")
    unwatched = {"progress": lambda done, total: None, "is_cancelled": lambda: False}
    assert pull_pack(entry, packs_dir, sessions, downloads, accept_licence=False, **unwatched).downloaded_bytes == 7


def hostile(name: str, *, mode: int = 0, content: bytes = b"x", compressed: bool = False) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.compress_type = archive.compression
        archive.writestr(info, content)
    return stream.getvalue()


@pytest.mark.parametrize(
    "archive",
    [
        hostile("/etc/cron.d/x.onnx"),
        hostile("../../x.onnx"),
        hostile("a/../../x.onnx"),
        hostile("C:/x.onnx"),
        hostile("..\\x.onnx"),
        hostile("link.onnx", mode=stat.S_IFLNK | 0o777, content=b"/etc/passwd"),
        hostile("pipe.onnx", mode=stat.S_IFIFO | 0o777),
        hostile("bomb.onnx", content=bytes(20_000_000), compressed=True),
        b"no archive at all",
    ],
)
def test_R_INF_5_a_hostile_archive_is_refused_and_leaves_nothing(
    archive: bytes, server: NastyServer, pull: Callable[..., Pack], tmp_path: Path
) -> None:
    with pytest.raises((PackInvalidError, PackDamagedError)):
        pull(entry_of(file_of("w.zip", archive, server.serve("/w.zip", archive))))
    assert left_in(tmp_path) == []


def test_R_INF_5_an_archive_of_too_many_or_too_large_files_is_refused(
    buffalo: Path, packs_dir: Path, sessions: OnnxSessionFactory, tmp_path: Path
) -> None:
    path = tmp_path / "w.zip"
    path.write_bytes(zipped(buffalo))
    for limits in (SourceLimits(files=2), SourceLimits(file_bytes=1000), SourceLimits(total_bytes=1000)):
        with pytest.raises(PackInvalidError):
            import_pack(path, packs_dir, sessions, accept_licence=True, limits=limits)
    assert left_in(packs_dir) == []


def test_R_INF_5_an_import_keeps_the_acceptance_too(
    buffalo: Path, packs_dir: Path, sessions: OnnxSessionFactory
) -> None:
    pack = import_pack(buffalo, packs_dir, sessions, accept_licence=True)
    accepted = (pack.folder / "licence.json").read_text()
    assert json.loads(accepted)["licence"] == NON_COMMERCIAL["id"]
    import_pack(buffalo, packs_dir, sessions, accept_licence=True)
    assert (pack.folder / "licence.json").read_text() == accepted


def test_R_INF_5_two_pulls_at_once_download_once(
    server: NastyServer, packs_dir: Path, sessions: OnnxSessionFactory, tmp_path: Path
) -> None:
    content = bytes(20_000)
    entry = entry_of(file_of("a.pth", content, server.serve("/a", content, Manners(pause_s=0.001))), family="swap")

    def pulled(_: int) -> Pack:
        downloads = Downloads(tmp_path / "downloads", limits=FAST)
        unwatched = {"progress": lambda done, total: None, "is_cancelled": lambda: False}
        return pull_pack(entry, packs_dir, sessions, downloads, accept_licence=False, **unwatched).pack

    with ThreadPoolExecutor(3) as threads:
        packs = list(threads.map(pulled, range(3)))
    assert {pack.folder for pack in packs} == {packs_dir / "kit@1"}
    assert len(server.asked) == 1
    assert left_in(tmp_path / "downloads") == []


def test_R_INF_5_packs_that_share_a_file_are_pulled_at_once(
    server: NastyServer,
    packs_dir: Path,
    sessions: OnnxSessionFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first that is done deletes its downloads, and must not take them from the others."""
    staggered = iter((0.0, 0.1, 0.1, 0.1))

    def slow_import(*given: Any, **named: Any) -> Pack:
        time.sleep(next(staggered))
        return import_pack(*given, **named)

    monkeypatch.setattr("lianpu.packs.pull.import_pack", slow_import)
    shared = file_of("a.pth", bytes(1_000_000), server.serve("/a", bytes(1_000_000)))
    entries = [entry_of(shared, name=f"kit{number}", family="swap") for number in range(4)]

    def pulled(entry: CataloguedPack) -> str:
        downloads = Downloads(tmp_path / "downloads", limits=FAST)
        unwatched = {"progress": lambda done, total: None, "is_cancelled": lambda: False}
        return pull_pack(entry, packs_dir, sessions, downloads, accept_licence=False, **unwatched).pack.name

    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(pulled, entries)] == ["kit0", "kit1", "kit2", "kit3"]
    assert left_in(tmp_path / "downloads") == []


def test_R_INF_5_a_disk_that_fills_up_while_installing_keeps_the_download(
    server: NastyServer, pull: Callable[..., Pack], packs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"weights"
    entry = entry_of(file_of("a.pth", content, server.serve("/a", content)), family="swap")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(PackSource, "copy", full)
        with pytest.raises(StorageError, match="No space left"):
            pull(entry)
    assert left_in(packs_dir) == []
    pull(entry)
    assert len(server.asked) == 1
