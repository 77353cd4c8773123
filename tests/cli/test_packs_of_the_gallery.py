"""`lianpu models default`, `gallery reembed` and `gallery shadow`: the pack of a gallery from the command line."""

import json
import shutil
from pathlib import Path

import pytest

from lianpu.packs.install import import_pack
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.cli.conftest import Lianpu


@pytest.fixture(scope="session")
def foamliu(testkit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    packs, models = tmp_path_factory.mktemp("packs"), testkit / "models"
    import_pack(
        None,
        packs,
        OnnxSessionFactory(),
        name="foamliu",
        version="1",
        detector=str(models / "detection/scrfd_2.5g_bnkps.onnx"),
        embedder=str(models / "recognition/mobilefacenet_foamliu_arc.onnx"),
        accept_licence=True,
    )
    return packs


@pytest.mark.slow
def test_R_LIB_7_a_gallery_changes_its_pack_by_five_commands(
    lianpu: Lianpu, home: Path, foamliu: Path, tmp_path: Path, portraits: list[bytes]
) -> None:
    shutil.copytree(foamliu, home / "packs")
    for number, photo in enumerate(portraits[:2]):
        (tmp_path / f"people/person-{number}").mkdir(parents=True)
        (tmp_path / f"people/person-{number}/a.jpg").write_bytes(photo)
    assert lianpu("models", "default", "--home", home).out.strip() == "dlib"
    assert lianpu("enroll", tmp_path / "people", "--home", home).code == 0
    assert lianpu("models", "default", "--home", home).out.strip() == "dlib@1"

    refused = lianpu("models", "default", "foamliu", "--home", home)
    assert refused.code == 1
    assert "pack_not_covered" in refused.err
    assert "lianpu gallery reembed foamliu@1" in refused.err

    shadow = lianpu("gallery", "shadow", "on", "foamliu", "--home", home)
    assert (shadow.code, "foamliu@1 runs in the shadow of dlib@1" in shadow.out) == (0, True)
    assert "0 faces" not in lianpu("gallery", "shadow", "report", "--home", home).out
    report = json.loads(lianpu("gallery", "shadow", "report", "--json", "--home", home).out)
    assert report["coverage"]["missing"] == 2

    done = lianpu("gallery", "reembed", "foamliu", "--no-wait", "--home", home)
    assert (done.code, "foamliu@1: 2 embedded, 0 failed" in done.out) == (0, True), done.err
    switched = lianpu("models", "default", "foamliu", "--home", home)
    assert (switched.code, "The default pack is foamliu@1; it was dlib@1." in switched.out) == (0, True), switched.err
    assert lianpu("gallery", "shadow", "off", "--home", home).code == 0
    assert "No pack runs" in lianpu("gallery", "shadow", "report", "--home", home).out
    found = json.loads(lianpu("search", tmp_path / "people/person-1/a.jpg", "--json", "--home", home).out)
    assert (found["pack"], found["faces"][0]["best_match"]["name"]) == ("foamliu", "person-1")
    listed = {
        pack["name"]: pack["default"] for pack in json.loads(lianpu("models", "list", "--json", "--home", home).out)
    }
    assert (listed["dlib"], listed["foamliu"]) == (False, True)
    assert "foamliu@1 (default)" in lianpu("doctor", "--home", home).out
