"""Plug-ins of installed packages: used, and refused with their name and reason, harming nobody else."""

import logging
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.errors import (
    FaceNotFoundError,
    FieldsInvalidError,
    InferenceFailedError,
    InferenceModelUnavailableError,
    PackNotFoundError,
)
from lianpu.inference.offer import ModelSource, ModelState
from lianpu.inference.registry import InferenceRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.inference.conftest import PLUGIN, InstallPlugin
from tests.small_classifiers import write_classifier

Grey = NDArray[np.uint8]


@pytest.fixture
def registry(tmp_path: Path, sessions: OnnxSessionFactory) -> InferenceRegistry:
    return InferenceRegistry(tmp_path / "models", sessions)


def test_R_INF_4_an_installed_package_adds_a_model(
    install_plugin: InstallPlugin, registry: InferenceRegistry, grey: Grey
) -> None:
    module = install_plugin()
    (listed,) = registry.list()
    assert (listed.name, listed.title, listed.version) == ("brightness", "Brightness", "3")
    assert (listed.source, listed.origin) == (ModelSource.PACKAGE, "lianpu-plugin-0 0.0")
    assert (listed.state, listed.is_loaded) == (ModelState.READY, False)
    assert listed.parameters["properties"]["factor"]["default"] == 1.0
    # Described, and not loaded.
    assert sys.modules[module].loads == []
    assert registry.run("brightness", grey).output == {"brightness": 100.0}
    assert registry.run("brightness", grey, {"factor": 0.5}).output == {"brightness": 50.0}
    assert sys.modules[module].loads == ["brightness"]


def test_R_INF_4_parameters_are_checked_before_the_model_sees_them(
    install_plugin: InstallPlugin, registry: InferenceRegistry, grey: Grey
) -> None:
    install_plugin()
    with pytest.raises(FieldsInvalidError) as caught:
        registry.run("brightness", grey, {"factr": 1, "factor": float("nan")})
    assert {error.field for error in caught.value.errors} == {"parameters.factr", "parameters.factor"}
    assert "did you mean factor?" in {error.field: error.message for error in caught.value.errors}["parameters.factr"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            ("from lianpu.errors", "import lianpu_plugin_missing\nfrom lianpu.errors"),
            "No module named 'lianpu_plugin_missing'",
        ),
        (
            ("loads = []", "raise RuntimeError('needs a licence key\\nsecond line')"),
            "RuntimeError: needs a licence key.",
        ),
        (("loads = []", "import sys; sys.exit(3)"), "SystemExit: 3"),
        (("loads = []", "def broken("), "SyntaxError"),
        (("class Brightness(", "class Gone("), "AttributeError"),
        (("(InferenceModel)", "(object)"), "no class that derives from lianpu.inference.InferenceModel"),
        (("def predict", "def predicts"), "it lacks predict"),
        (('name = "brightness"', 'name = "other"'), "its attribute name is 'other'"),
        (('version = "3"', "version = 3"), "its attribute version is no text"),
        (('version = "3"', ""), "its attribute version is no text"),
        (("factor: float = 1.0", "factor: float"), "its parameters need a default: factor"),
        (("(Parameters)", ""), "no class that derives from lianpu.inference.Parameters"),
        (('title = "Brightness"', "labels = 'abc'"), "labels is no sequence of texts"),
        (("def load_model", "def __init__(self, needed): ...\n    def load_model"), "TypeError"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1][:20],
)
def test_R_INF_4_a_broken_plugin_is_told_by_name_and_harms_nobody(
    install_plugin: InstallPlugin, registry: InferenceRegistry, grey: Grey, change: tuple[str, str], told: str
) -> None:
    assert change[0] in PLUGIN
    install_plugin(PLUGIN.replace(*change), dist="lianpu-broken")
    install_plugin(PLUGIN.replace('"brightness"', '"good"'), name="good")
    broken, good = registry.list()
    assert (broken.name, broken.state, broken.source) == ("brightness", ModelState.UNAVAILABLE, ModelSource.PACKAGE)
    assert "The plug-in 'brightness' of lianpu-broken 0.0 (lianpu_plugin_0:Brightness)" in broken.detail
    assert told in broken.detail
    assert "second line" not in broken.detail
    assert (good.name, good.state) == ("good", ModelState.READY)
    with pytest.raises(InferenceModelUnavailableError, match="lianpu-broken"):
        registry.run("brightness", grey)
    assert registry.run("good", grey).output


@pytest.mark.parametrize("method", ["preprocess", "predict", "postprocess"])
@pytest.mark.parametrize("raised", ["ValueError('secret of the user')", "SystemExit(1)", "PackNotFoundError('inside')"])
def test_R_INF_4_what_a_plugin_raises_stays_in_the_log(
    install_plugin: InstallPlugin,
    registry: InferenceRegistry,
    grey: Grey,
    caplog: pytest.LogCaptureFixture,
    method: str,
    raised: str,
) -> None:
    head = next(line for line in PLUGIN.splitlines() if f"def {method}(" in line)
    install_plugin(PLUGIN.replace(head, f"{head}\n        raise {raised}"))
    with caplog.at_level(logging.ERROR), pytest.raises(InferenceFailedError) as caught:
        registry.run("brightness", grey)
    assert (caught.value.code, caught.value.status) == ("inference_failed", 500)
    assert f"'brightness' failed in {method} ({raised.partition('(')[0]})" in caught.value.detail
    assert "secret" not in caught.value.detail
    (record,) = caplog.records
    assert record.exc_info is not None
    assert "Traceback" in caplog.text
    assert f"in {method}" in caplog.text


def test_R_INF_4_a_plugin_may_refuse_an_image_in_its_own_words(
    install_plugin: InstallPlugin, registry: InferenceRegistry, grey: Grey, caplog: pytest.LogCaptureFixture
) -> None:
    install_plugin(PLUGIN.replace("return image, parameters.factor", 'raise FaceNotFoundError("Nobody is there.")'))
    with pytest.raises(FaceNotFoundError, match=r"Nobody is there\."):
        registry.run("brightness", grey)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ("[outputs]", "returned list where a mapping"),
        ('{"x": object()}', "output.x is object"),
        ('{"x": 1e999}', "is inf"),
    ],
)
def test_R_INF_4_what_is_no_json_is_the_plugins_failure(
    install_plugin: InstallPlugin, registry: InferenceRegistry, grey: Grey, returned: str, told: str
) -> None:
    install_plugin(PLUGIN.replace('return {"brightness": outputs}', f"return {returned}"))
    with pytest.raises(InferenceFailedError, match=told):
        registry.run("brightness", grey)


def test_R_INF_4_a_plugin_cannot_write_to_the_image(
    install_plugin: InstallPlugin, registry: InferenceRegistry, grey: Grey
) -> None:
    install_plugin(PLUGIN.replace("return image, parameters.factor", "image[0] = 0"))
    with pytest.raises(InferenceFailedError, match=r"preprocess \(ValueError\)"):
        registry.run("brightness", grey)
    assert (grey == 100).all()
    assert grey.flags.writeable


LOADING = """
from lianpu.inference import InferenceModel

class Weighted(InferenceModel):
    name = "weighted"
    version = "1"

    def problem(self, context):
        return None if (context.folder / "net.onnx").is_file() else "put net.onnx into its folder."

    def load_model(self, context):
        self.session = context.session(PATH)

    def preprocess(self, image, parameters):
        return image.transpose(2, 0, 1)[None]

    def predict(self, inputs):
        return self.session.run({"x": inputs})[0]

    def postprocess(self, outputs, parameters):
        return {"scores": outputs[0].tolist()}
"""


def test_R_INF_4_a_plugin_opens_networks_in_its_folder_by_our_runtime(
    install_plugin: InstallPlugin, registry: InferenceRegistry, grey: Grey, tmp_path: Path
) -> None:
    install_plugin(LOADING.replace("PATH", '"net.onnx"'), name="weighted", cls="Weighted")
    (listed,) = registry.list()
    assert listed.detail == "Inference model 'weighted' cannot be used: put net.onnx into its folder."
    folder = tmp_path / "models" / "weighted"
    write_classifier(folder / "net.onnx")
    # Its folder holds its weights, and is no model of its own.
    (listed,) = registry.list()
    assert (listed.state, listed.source) == (ModelState.READY, ModelSource.PACKAGE)
    assert registry.run("weighted", grey).output == {"scores": [100.0, 100.0, 100.0]}
    write_classifier(folder / "net.onnx", gain=0.5, classes=4)
    assert registry.run("weighted", grey).output == {"scores": [50.0, 50.0, 50.0, 100.0]}


@pytest.mark.parametrize(
    ("path", "told"), [('"../net.onnx"', "leads out of the folder"), ('"none.onnx"', "none.onnx is missing")]
)
def test_R_INF_4_a_plugin_that_does_not_load_is_told_and_tried_again(
    install_plugin: InstallPlugin, registry: InferenceRegistry, grey: Grey, tmp_path: Path, path: str, told: str
) -> None:
    install_plugin(LOADING.replace("PATH", path), name="weighted", cls="Weighted")
    write_classifier(tmp_path / "models" / "weighted" / "net.onnx")
    write_classifier(tmp_path / "models" / "net.onnx")
    assert registry.get("weighted").state is ModelState.READY
    with pytest.raises(InferenceModelUnavailableError, match=told) as caught:
        registry.run("weighted", grey)
    assert "'weighted' of lianpu-plugin-0 0.0 did not load" in caught.value.detail
    assert str(tmp_path) not in caught.value.detail
    assert registry.get("weighted").detail == caught.value.detail
    if "none" in path:
        write_classifier(tmp_path / "models" / "weighted" / "none.onnx")
        assert registry.get("weighted").state is ModelState.READY
        assert registry.run("weighted", grey).output


def test_R_INF_4_a_problem_that_raises_is_a_problem(
    install_plugin: InstallPlugin, registry: InferenceRegistry, grey: Grey
) -> None:
    source = LOADING.replace("return None if", "raise KeyError('weights')\n        return None if")
    install_plugin(source.replace("PATH", '"net.onnx"'), name="weighted", cls="Weighted")
    assert "its method problem raised KeyError: 'weights'" in registry.get("weighted").detail


def test_R_INF_4_errors_raised_on_purpose_pass_for_built_in_models(
    tmp_path: Path, sessions: OnnxSessionFactory, install_plugin: InstallPlugin, grey: Grey
) -> None:
    module = install_plugin(PLUGIN.replace("return float", "raise PackNotFoundError('no pack'); return float"))
    plugin = InferenceRegistry(tmp_path, sessions)
    with pytest.raises(InferenceFailedError):
        plugin.run("brightness", grey)
    built_in = InferenceRegistry(tmp_path, sessions, built_in=[sys.modules[module].Brightness])
    with pytest.raises(PackNotFoundError, match="no pack"):
        built_in.run("brightness", grey)
