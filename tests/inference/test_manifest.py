"""`model.toml` and labels: read, and everything unsafe, unknown or wrong refused, all of it at once."""

import tomllib

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from lianpu.engines.classify.preparation import Layout, Resize
from lianpu.errors import InferenceModelUnavailableError
from lianpu.inference.manifest import ModelManifest, parse_labels, parse_manifest

TEXT = """
name = "pets"
version = "2.1"
title = "Cats and dogs"
licence = "MIT"
softmax = true
top_k = 3

[input]
size = [224, 192]
resize = "letterbox"
colour = "bgr"
layout = "nhwc"
scale = 0.5
mean = [1, 2, 3.5]
std = 58.5
"""


def test_R_INF_4_every_field_is_read() -> None:
    manifest = parse_manifest(TEXT)
    assert (manifest.name, manifest.version, manifest.title, manifest.licence) == (
        "pets",
        "2.1",
        "Cats and dogs",
        "MIT",
    )
    assert (manifest.softmax, manifest.top_k) == (True, 3)
    assert (manifest.network, manifest.labels) == ("model.onnx", "labels.txt")
    described = manifest.input
    assert (described.size, described.resize, described.colour) == ((224, 192), Resize.LETTERBOX, "bgr")
    assert (described.layout, described.scale) == (Layout.NHWC, 0.5)
    assert (described.mean, described.std) == ((1.0, 2.0, 3.5), (58.5, 58.5, 58.5))


def test_R_INF_4_name_and_version_are_enough() -> None:
    manifest = parse_manifest('name = "a"\nversion = "1"')
    assert manifest == ModelManifest(name="a", version="1")
    assert manifest.input.size is None
    assert (manifest.input.mean, manifest.input.std, manifest.input.scale) == ((0, 0, 0), (1, 1, 1), 1.0)


def test_R_INF_4_all_problems_are_told_at_once() -> None:
    outside = 'name = "No Name"\nnetwork = "../../etc/passwd"\nsofmax = true\n'
    text = outside + "[input]\nsize = 0\nmean = [1, 2]\nstd = [1, 0, 1]\n"
    with pytest.raises(InferenceModelUnavailableError) as caught:
        parse_manifest(text)
    fields = {error.field for error in caught.value.errors}
    assert {"name", "version", "network", "sofmax", "input.size.0", "input.std"} <= fields
    assert any(field.startswith("input.mean") for field in fields)
    for field in fields:
        assert field in caught.value.detail


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('colour = "grey"', "input.colour"),
        ('layout = "chw"', "input.layout"),
        ('resize = "pad"', "input.resize"),
        ("crop_ratio = 0", "input.crop_ratio"),
        ('crop_ratio = 0.9\nresize = "stretch"', "crop_ratio goes with resize"),
        ("scale = nan", "input.scale"),
        ("mean = inf", "input.mean"),
        ("std = -1", "must be greater than 0"),
        ("size = 5000", "input.size"),
        ("size = [1, 2, 3]", "input.size"),
        ("width = 3", "input.width"),
    ],
)
def test_R_INF_4_wrong_inputs_are_refused(line: str, told: str) -> None:
    with pytest.raises(InferenceModelUnavailableError, match=told):
        parse_manifest(f'name = "a"\nversion = "1"\n[input]\n{line}\n')


@pytest.mark.parametrize(
    "path",
    [
        "../model.onnx",
        "..",
        ".",
        "/etc/passwd",
        "sub/model.onnx",
        "sub\\model.onnx",
        "..\\model.onnx",
        "C:model.onnx",
        "C:\\model.onnx",
        "con.onnx",
        "NUL",
        "model.onnx ",
        "model.onnx.",
        "a\0b",
        "a\nb",
        "",
    ],
)
@pytest.mark.parametrize("field", ["network", "labels"])
def test_R_INF_4_paths_that_lead_elsewhere_are_refused(field: str, path: str) -> None:
    text = tomli_w.dumps({"name": "a", "version": "1", field: path})
    with pytest.raises(InferenceModelUnavailableError, match=field):
        parse_manifest(text)


@pytest.mark.parametrize("text", ["[", "a = ", "name = 'a'\nname = 'b'", "x = " + "[" * 5000, "top_k = " + "9" * 5000])
def test_R_INF_4_what_is_no_toml_is_refused(text: str) -> None:
    with pytest.raises(InferenceModelUnavailableError, match="not valid"):
        parse_manifest(text)


names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
lines = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=40)
numbers = st.floats(-1e6, 1e6, allow_nan=False)
manifests = st.fixed_dictionaries(
    {"name": names, "version": lines.filter(bool)},
    optional={
        "title": lines,
        "description": st.text(st.characters(exclude_categories=["Cs"]), max_size=100),
        "licence": lines,
        "softmax": st.booleans(),
        "top_k": st.integers(1, 1000),
        "input": st.fixed_dictionaries(
            {},
            optional={
                "size": st.one_of(st.integers(1, 4096), st.lists(st.integers(1, 4096), min_size=2, max_size=2)),
                "resize": st.sampled_from(["crop", "stretch", "letterbox"]),
                "colour": st.sampled_from(["rgb", "bgr"]),
                "layout": st.sampled_from(["nchw", "nhwc"]),
                "scale": st.floats(1e-6, 1e6),
                "mean": st.one_of(numbers, st.lists(numbers, min_size=3, max_size=3)),
                "std": st.lists(st.floats(1e-6, 1e6), min_size=3, max_size=3),
            },
        ),
    },
)


@given(manifests)
def test_R_INF_4_every_valid_manifest_is_read_as_written(content: dict[str, object]) -> None:
    manifest = parse_manifest(tomli_w.dumps(content))
    read = manifest.model_dump(mode="json")
    for key in ("name", "version", "title", "description", "licence", "softmax", "top_k"):
        if key in content:
            assert read[key] == content[key]
    described = content.get("input", {})
    assert isinstance(described, dict)
    for key, value in described.items():
        whole = (
            [value] * (2 if key == "size" else 3) if key in {"size", "mean"} and not isinstance(value, list) else value
        )
        assert read["input"][key] == whole


def _read(text: str) -> ModelManifest | InferenceModelUnavailableError:
    try:
        return parse_manifest(text)
    except InferenceModelUnavailableError as refused:
        return refused


toml_values = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.one_of(st.sampled_from([*ModelManifest.model_fields]), st.text(min_size=1, max_size=8)),
        toml_values,
        max_size=8,
    )
)
def test_R_INF_4_any_toml_is_a_manifest_or_refused_by_name(content: dict[str, object]) -> None:
    text = tomli_w.dumps(content)
    read = _read(text)
    if isinstance(read, ModelManifest):
        assert set(tomllib.loads(text)) <= set(ModelManifest.model_fields)
        assert "/" not in read.network + read.labels
    else:
        assert read.errors or "not valid TOML" in read.detail


@given(st.text(max_size=300))
def test_R_INF_4_any_text_is_a_manifest_or_refused(text: str) -> None:
    read = _read(text)
    assert isinstance(read, ModelManifest) or "model.toml" in read.detail


def test_R_INF_4_labels_are_lines() -> None:
    assert parse_labels("\ufeffcat\r\n a dog \n猫\n\n\n") == ("cat", "a dog", "猫")
    # ImageNet names two classes "crane".
    assert parse_labels("crane\ncrane") == ("crane", "crane")


@pytest.mark.parametrize(
    ("text", "told"), [("", "line 1"), ("a\n\nb", "line 2"), ("a\n" + "x" * 201, "line 2"), ("a\x00b", "line 1")]
)
def test_R_INF_4_labels_that_would_shift_the_others_are_refused(text: str, told: str) -> None:
    with pytest.raises(InferenceModelUnavailableError, match=told):
        parse_labels(text)


@given(
    st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30), min_size=1, max_size=50)
)
def test_R_INF_4_labels_keep_their_number_and_order(labels: list[str]) -> None:
    assert parse_labels("\n".join(labels) + "\n") == tuple(labels)
