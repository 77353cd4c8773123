"""Models dropped into the folder: found while the server runs, run for real, and refused with everything wrong told."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, external_data_helper, helper

from lianpu.errors import (
    FieldsInvalidError,
    InferenceFailedError,
    InferenceModelNotFoundError,
    InferenceModelUnavailableError,
)
from lianpu.inference.offer import ModelSource, ModelState
from lianpu.inference.registry import InferenceRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.small_classifiers import drop_classifier, drop_squeezenet, public_photo, write_classifier

GREEN = np.full((20, 30, 3), (10, 200, 30), np.uint8)


@pytest.fixture(scope="module")
def sessions() -> OnnxSessionFactory:
    return OnnxSessionFactory(["cpu"])


@pytest.fixture
def registry(tmp_path: Path, sessions: OnnxSessionFactory) -> InferenceRegistry:
    return InferenceRegistry(tmp_path / "models", sessions)


def test_R_INF_4_squeezenet_as_a_dropped_in_folder(registry: InferenceRegistry, tmp_path: Path, testkit: Path) -> None:
    drop_squeezenet(tmp_path / "models", testkit)
    (listed,) = registry.list()
    assert (listed.name, listed.title, listed.version) == ("squeezenet", "SqueezeNet 1.1", "1.1")
    assert (listed.source, listed.origin) == (ModelSource.FOLDER, "folder models/squeezenet")
    assert (listed.state, listed.detail, listed.is_loaded) == (ModelState.READY, "", False)
    assert listed.labels is not None
    assert (len(listed.labels), listed.labels[967]) == (1000, "n07920052 espresso")
    result = registry.run("squeezenet", public_photo("coffee.png"), {"top_k": 2})
    assert (result.model_name, result.model_version) == ("squeezenet", "1.1")
    assert result.duration_ms > 0
    classes = result.output["classes"]
    assert isinstance(classes, list)
    assert len(classes) == 2
    first = classes[0]
    assert isinstance(first, dict)
    assert (first["label"], first["index"]) == ("n07920052 espresso", 967)
    assert registry.get("squeezenet").is_loaded


def test_R_INF_4_a_folder_added_while_the_server_runs_is_found(registry: InferenceRegistry, tmp_path: Path) -> None:
    assert registry.list() == []
    with pytest.raises(InferenceModelNotFoundError, match="Available: none"):
        registry.run("colours", GREEN)
    drop_classifier(tmp_path / "models")
    assert [status.name for status in registry.list()] == ["colours"]
    assert registry.run("colours", GREEN).output["classes"] == [
        {"label": "green", "index": 1, "score": 200.0},
        {"label": "blue", "index": 2, "score": 30.0},
        {"label": "red", "index": 0, "score": 10.0},
    ]


def test_R_INF_4_a_changed_folder_is_read_and_loaded_again(registry: InferenceRegistry, tmp_path: Path) -> None:
    folder = drop_classifier(tmp_path / "models")
    registry.run("colours", GREEN)
    (folder / "labels.txt").write_text("rouge\nvert\nbleu\n")
    os.utime(folder / "labels.txt", ns=(1, 1))
    classes = registry.run("colours", GREEN, {"top_k": 1}).output["classes"]
    assert classes == [{"label": "vert", "index": 1, "score": 200.0}]
    (folder / "model.onnx").unlink()
    with pytest.raises(InferenceModelUnavailableError, match=r"model\.onnx is missing"):
        registry.run("colours", GREEN)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    with pytest.raises(InferenceModelNotFoundError):
        registry.run("colours", GREEN)
    # Its memory is given back too, whatever the idle time.
    assert list(registry.unload_idle()) == ["colours"]


def test_R_INF_4_top_k_belongs_to_the_model(registry: InferenceRegistry, tmp_path: Path) -> None:
    drop_classifier(tmp_path / "models", manifest="top_k = 2")
    classes = registry.run("colours", GREEN).output["classes"]
    assert isinstance(classes, list)
    assert len(classes) == 2
    schema = registry.get("colours").parameters["properties"]["top_k"]
    assert (schema["default"], schema["minimum"], schema["maximum"]) == (2, 1, 3)
    for wrong, told in (({"top_k": 4}, "less than or equal to 3"), ({"topk": 1}, "did you mean top_k")):
        with pytest.raises(FieldsInvalidError) as caught:
            registry.check("colours", wrong)
        (error,) = caught.value.errors
        assert error.field == f"parameters.{next(iter(wrong))}"
        assert told in error.message


def test_R_INF_4_one_broken_folder_harms_no_other(registry: InferenceRegistry, tmp_path: Path) -> None:
    models = tmp_path / "models"
    drop_classifier(models, "good")
    drop_classifier(models, "cut")
    (models / "cut" / "model.onnx").write_bytes((models / "good" / "model.onnx").read_bytes()[:40])
    (models / "empty").mkdir()
    (models / "Not A Name").mkdir()
    (models / ".hidden").mkdir()
    (models / "a-file.txt").write_text("")
    drop_classifier(models, "renamed").rename(models / "other")
    listed = {status.name: status for status in registry.list()}
    assert {name for name, status in listed.items() if status.state is ModelState.READY} == {"good"}
    assert "no ONNX network" in listed["cut"].detail
    assert listed["empty"].detail == "The folder models/empty cannot be used: model.toml is missing."
    assert "a-z 0-9" in listed["Not A Name"].detail
    assert "model.toml is called 'renamed', and the folder 'other'" in listed["other"].detail
    assert len(listed) == 5
    with pytest.raises(InferenceModelUnavailableError, match="models/empty"):
        registry.check("empty")


def test_R_INF_4_labels_and_network_are_told_together(registry: InferenceRegistry, tmp_path: Path) -> None:
    folder = drop_classifier(tmp_path / "models")
    (folder / "labels.txt").write_text("a\n\nb\n")
    write_classifier(folder / "model.onnx", outputs=2)
    detail = registry.get("colours").detail
    assert "line 2 of the labels is blank" in detail
    assert "has 2 outputs" in detail
    (folder / "labels.txt").write_text("a\nb\n")
    write_classifier(folder / "model.onnx")
    assert "gives 3 scores, and there are 2 labels" in registry.get("colours").detail
    (folder / "labels.txt").write_bytes(b"\xff\xfe")
    assert "labels.txt is no UTF-8 text" in registry.get("colours").detail


def test_R_INF_4_the_size_comes_from_the_network_where_it_is_fixed(registry: InferenceRegistry, tmp_path: Path) -> None:
    folder = drop_classifier(tmp_path / "models", manifest='[input]\nresize = "stretch"\n')
    assert "input.size is needed" in registry.get("colours").detail
    write_classifier(folder / "model.onnx", shape=(1, 3, 12, 16))
    assert registry.get("colours").state is ModelState.READY
    assert registry.run("colours", GREEN).output


def test_R_INF_4_wrong_fields_reach_the_caller_one_by_one(registry: InferenceRegistry, tmp_path: Path) -> None:
    drop_classifier(tmp_path / "models", manifest='softmaks = true\ntop_k = "many"')
    with pytest.raises(InferenceModelUnavailableError) as caught:
        registry.run("colours", GREEN)
    assert [error.field for error in caught.value.errors] == ["top_k", "softmaks"]


@pytest.mark.parametrize(
    "name", ["..", "../models/colours", "colours/../colours", "", ".", "/etc", "colours/", "a\0b", "x" * 999, "\ud800"]
)
def test_R_INF_4_names_from_outside_lead_nowhere(registry: InferenceRegistry, tmp_path: Path, name: str) -> None:
    drop_classifier(tmp_path / "models")
    with pytest.raises(InferenceModelNotFoundError):
        registry.run(name, GREEN)


def keep_outside(network: Path, location: str) -> None:
    """Move the weights of a network into a further file; the location is written as it is."""
    model = onnx.load(network)
    for tensor in model.graph.initializer:
        external_data_helper.set_external_data(tensor, location, 0, len(tensor.raw_data))
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
    network.write_bytes(model.SerializeToString())


def test_R_INF_4_weights_in_a_further_file_of_the_folder_are_used(registry: InferenceRegistry, tmp_path: Path) -> None:
    folder = drop_classifier(tmp_path / "models")
    weights = onnx.load(folder / "model.onnx").graph.initializer[0].raw_data
    keep_outside(folder / "model.onnx", "weights.bin")
    assert "weights in 'weights.bin', which is missing" in registry.get("colours").detail
    (folder / "weights.bin").write_bytes(weights)
    assert registry.run("colours", GREEN, {"top_k": 1}).output["classes"] == [
        {"label": "green", "index": 1, "score": 200.0}
    ]


@pytest.mark.parametrize(
    "location",
    ["../secret.bin", "/etc/hostname", "a/../../secret.bin", "..\\secret.bin", "C:\\secret.bin", "C:secret.bin", ""],
)
def test_R_INF_4_weights_outside_of_the_folder_are_refused(
    registry: InferenceRegistry, tmp_path: Path, location: str
) -> None:
    folder = drop_classifier(tmp_path / "models")
    (tmp_path / "models" / "secret.bin").write_bytes(b"\0" * 36)
    keep_outside(folder / "model.onnx", location)
    with pytest.raises(InferenceModelUnavailableError, match="outside of its folder"):
        registry.run("colours", GREEN)


def test_R_INF_4_weights_hidden_in_a_subgraph_are_found(registry: InferenceRegistry, tmp_path: Path) -> None:
    folder = drop_classifier(tmp_path / "models")
    model = onnx.load(folder / "model.onnx")
    hidden = helper.make_tensor("hidden", TensorProto.FLOAT, [9], np.zeros(9, np.float32).tobytes(), raw=True)
    external_data_helper.set_external_data(hidden, "../secret.bin")
    hidden.data_location = TensorProto.EXTERNAL
    hidden.ClearField("raw_data")
    inner = helper.make_graph([helper.make_node("Constant", [], ["c"], value=hidden)], "inner", [], [])
    model.graph.node.append(helper.make_node("If", ["x"], ["unused"], then_branch=inner, else_branch=inner))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    assert "'../secret.bin', which is outside of its folder" in registry.get("colours").detail


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("file", ["model.onnx", "labels.txt", "model.toml", "weights.bin"])
def test_R_INF_4_links_out_of_the_folder_are_refused(registry: InferenceRegistry, tmp_path: Path, file: str) -> None:
    folder = drop_classifier(tmp_path / "models")
    if file == "weights.bin":
        keep_outside(folder / "model.onnx", file)
        (folder / file).write_bytes(b"\0" * 36)
    outside = tmp_path / "outside"
    (folder / file).rename(outside)
    (folder / file).symlink_to(outside)
    with pytest.raises(InferenceModelUnavailableError, match="a link that leads out of"):
        registry.run("colours", GREEN)


def test_R_INF_4_files_too_large_for_what_they_are_are_not_read(registry: InferenceRegistry, tmp_path: Path) -> None:
    folder = drop_classifier(tmp_path / "models")
    with (folder / "model.toml").open("a") as manifest:
        manifest.write("#" * 70_000)
    assert "model.toml has more than 65536 bytes" in registry.get("colours").detail


def test_R_INF_4_a_folder_never_runs_code(registry: InferenceRegistry, tmp_path: Path) -> None:
    folder = drop_classifier(tmp_path / "models")
    trap = f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n"
    for name in ("__init__.py", "model.py", "plugin.py", "conftest.py"):
        (folder / name).write_text(trap)
    registry.run("colours", GREEN)
    assert not (tmp_path / "ran").exists()


def test_R_INF_4_a_network_that_answers_nonsense_fails_by_name(registry: InferenceRegistry, tmp_path: Path) -> None:
    folder = drop_classifier(tmp_path / "models")
    write_classifier(folder / "model.onnx", gain=float("nan"))
    with pytest.raises(InferenceFailedError, match="not finite"):
        registry.run("colours", GREEN)
