"""Plug-in packages as pip leaves them: a module and its metadata on the search path."""

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.runtime.onnx import OnnxSessionFactory

InstallPlugin = Callable[..., str]

PLUGIN = """
from lianpu.errors import FaceNotFoundError, PackNotFoundError
from lianpu.inference import InferenceModel, Parameters

loads = []


class Options(Parameters):
    factor: float = 1.0


class Brightness(InferenceModel):
    name = "brightness"
    version = "3"
    title = "Brightness"
    parameters = Options

    def load_model(self, context):
        loads.append(context.name)

    def preprocess(self, image, parameters):
        return image, parameters.factor

    def predict(self, inputs):
        image, factor = inputs
        return float(image.mean()) * factor

    def postprocess(self, outputs, parameters):
        return {"brightness": outputs}
"""


@pytest.fixture(scope="session")
def sessions() -> OnnxSessionFactory:
    return OnnxSessionFactory(["cpu"])


@pytest.fixture
def grey() -> NDArray[np.uint8]:
    return np.full((10, 12, 3), 100, np.uint8)


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstallPlugin]:
    """`install_plugin(source, name="brightness", cls="Brightness")` gives the module's name."""
    numbers = itertools.count()
    before = set(sys.modules)

    def install(source: str = PLUGIN, name: str = "brightness", cls: str = "Brightness", *, dist: str = "") -> str:
        number = next(numbers)
        module, dist = f"lianpu_plugin_{number}", dist or f"lianpu-plugin-{number}"
        folder = tmp_path / f"site-{number}"
        information = folder / f"{dist.replace('-', '_')}-0.{number}.dist-info"
        information.mkdir(parents=True)
        (folder / f"{module}.py").write_text(source)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 0.{number}\n")
        (information / "entry_points.txt").write_text(f"[lianpu.inference_models]\n{name} = {module}:{cls}\n")
        monkeypatch.syspath_prepend(folder)
        return module

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("lianpu_plugin_"):
            del sys.modules[name]
