"""`pack.toml`: read, written, and everything unsafe or unknown in it refused."""

import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from lianpu.errors import PackDamagedError, PackInvalidError
from lianpu.packs.manifest import Pack, PackManifest, format_manifest, parse_manifest

TEXT = """
name = "mine"
version = "1"
[licence]
id = "MIT"
commercial = true
[[files]]
path = "det.onnx"
sha256 = "{digest}"
bytes = 3
[[files]]
path = "nets/emb.onnx"
sha256 = "{digest}"
bytes = 4
[roles.detector]
engine = "scrfd"
file = "det.onnx"
[roles.detector.options]
tiles = 2
[roles.embedder]
engine = "someone-elses"
file = "nets/emb.onnx"
threshold = 0.4
""".format(digest="0" * 64)


def test_R_INF_5_engine_names_are_open_and_options_are_theirs() -> None:
    manifest = parse_manifest(TEXT, "pack.toml")
    assert manifest.roles.embedder is not None
    assert manifest.roles.embedder.engine == "someone-elses"
    assert manifest.roles.detector is not None
    assert manifest.roles.detector.options == {"tiles": 2}
    assert manifest.size_bytes == 7


def test_R_INF_5_what_is_written_is_read_back_equal() -> None:
    manifest = parse_manifest(TEXT, "pack.toml")
    assert parse_manifest(format_manifest(manifest), "again") == manifest


LIVENESS = """
[roles.liveness]
engine = "minifasnet"
[[roles.liveness.networks]]
file = "det.onnx"
scale = 2.7
[[roles.liveness.networks]]
file = "nets/emb.onnx"
scale = 4
"""


def test_R_LIB_10_a_liveness_role_names_networks_and_their_scales() -> None:
    manifest = parse_manifest(TEXT + LIVENESS, "pack.toml")
    role = manifest.roles.liveness
    assert role is not None
    assert [(network.file, network.scale) for network in role.networks] == [("det.onnx", 2.7), ("nets/emb.onnx", 4.0)]
    assert role.threshold == 0.5
    assert parse_manifest(format_manifest(manifest), "again") == manifest


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ('file = "nets/emb.onnx"\nscale', 'file = "other.onnx"\nscale', "roles.liveness names 'other.onnx'"),
        ("scale = 4", "scale = 0", "scale"),
        ('engine = "minifasnet"', 'engine = "minifasnet"\nthreshold = 1.0', "threshold"),
        ("scale = 4", "scales = 4", "roles.liveness.networks.1.scale"),
    ],
)
def test_R_LIB_10_a_wrong_liveness_role_is_refused(good: str, bad: str, message: str) -> None:
    assert good in LIVENESS
    with pytest.raises(PackInvalidError, match=message):
        parse_manifest(TEXT + LIVENESS.replace(good, bad), "pack.toml")


@pytest.mark.parametrize(
    "path",
    [
        "../up.onnx", "a/../../b.onnx", "/etc/passwd", "C:/x.onnx", "C:x.onnx", "a\\b.onnx", "..\\x", "a//b", "./a",
        "a/", "nul", "con.onnx", "LPT1", "a.", "a ", "a\0b", "a\nb", "", "pack.toml", "PACK.TOML", "x" * 241, "a:s",
    ],
)  # fmt: skip
def test_R_INF_5_unsafe_paths_are_refused(path: str) -> None:
    content = tomllib.loads(TEXT)
    content["files"][0]["path"] = content["roles"]["detector"]["file"] = path
    with pytest.raises(PackInvalidError):
        parse_manifest(tomli_w.dumps(content), "pack.toml")


@given(st.text(max_size=40))
def test_R_INF_5_an_accepted_path_stays_inside(path: str) -> None:
    content = tomllib.loads(TEXT)
    content["files"][0]["path"] = content["roles"]["detector"]["file"] = path
    try:
        manifest = PackManifest.model_validate(content)
    except ValueError:
        return
    folder = Path("/packs/mine@1")
    assert Pack(manifest, folder).path_of(path).resolve().is_relative_to(folder)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('name = "mine"', 'name = "Mine"', "name"),
        ('name = "mine"', 'name = "mine"\nsurprise = 1', "surprise"),
        ('version = "1"', 'version = "../1"', "version"),
        ('engine = "scrfd"', 'engine = "scrfd"\nnms = 1', "roles.detector.nms"),
        ("threshold = 0.4", "threshold = nan", "roles.embedder.threshold"),
        ("threshold = 0.4", "threshold = 1.5", "roles.embedder"),
        ("threshold = 0.4", "threshold = 0.4\nmean = 1.0", "roles.embedder"),
        ("threshold = 0.4", "threshold = 0.4\nmean = 1.0\nstd = 0.0", "roles.embedder"),
        ('file = "det.onnx"', 'file = "other.onnx"', ""),
        ('path = "nets/emb.onnx"', 'path = "DET.onnx"', ""),
        ("bytes = 3", "bytes = -3", "files.0.bytes"),
        ("[licence]", "[license]", "licence"),
    ],
)
def test_R_INF_5_wrong_fields_are_named(old: str, new: str, field: str) -> None:
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    with pytest.raises(PackInvalidError) as caught:
        parse_manifest(text, "pack.toml")
    assert field in {error.field for error in caught.value.errors}


def test_R_INF_5_not_toml() -> None:
    with pytest.raises(PackInvalidError, match="not valid TOML"):
        parse_manifest("name = ", "pack.toml")


def test_R_INF_5_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "mine@1"
    folder.mkdir()
    (tmp_path / "secret").write_text("x")
    (folder / "det.onnx").symlink_to(tmp_path / "secret")
    with pytest.raises(PackDamagedError, match="leads out"):
        Pack(parse_manifest(TEXT, ""), folder).path_of("det.onnx")
