"""The example plug-in: its code as it stands, and the package built, installed and called by another process."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import FieldsInvalidError
from lianpu.inference.offer import ModelSource, ModelState
from lianpu.inference.registry import InferenceRegistry
from lianpu.runtime.onnx import OnnxSessionFactory

EXAMPLE = Path(__file__).parents[2] / "examples" / "lianpu-plugin-colours"
NAME = "dominant-colours"

CALL = """
import json, sys
from pathlib import Path
import numpy as np
from lianpu.inference.registry import InferenceRegistry
from lianpu.runtime.onnx import OnnxSessionFactory

registry = InferenceRegistry(Path(sys.argv[1]), OnnxSessionFactory(["cpu"]))
status = registry.get("dominant-colours")
image = np.zeros((60, 80, 3), np.uint8)
image[:, :60] = (200, 30, 10)
result = registry.run("dominant-colours", image, {"count": 2})
print(json.dumps({"origin": status.origin, "state": status.state, "output": result.output}))
"""


def two_colours() -> np.ndarray:
    image = np.zeros((60, 80, 3), np.uint8)
    image[:, :60] = (200, 30, 10)
    return image


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sessions: OnnxSessionFactory) -> InferenceRegistry:
    """With the example on the search path, described as its pyproject.toml says."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    information = tmp_path / "lianpu_plugin_colours-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    entries = project["entry-points"]["lianpu.inference_models"]
    lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
    (information / "entry_points.txt").write_text(f"[lianpu.inference_models]\n{lines}")
    monkeypatch.syspath_prepend(EXAMPLE / "src")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "lianpu_plugin_colours", raising=False)
    return InferenceRegistry(tmp_path / "models", sessions)


def test_R_INF_4_the_example_finds_the_colours_of_an_image(registry: InferenceRegistry) -> None:
    (listed,) = registry.list()
    assert (listed.name, listed.source, listed.state) == (NAME, ModelSource.PACKAGE, ModelState.READY)
    assert listed.origin == "lianpu-plugin-colours 1.0"
    result = registry.run(NAME, two_colours())
    assert result.output == {
        "colours": [
            {"colour": "#c81e0a", "red": 200, "green": 30, "blue": 10, "share": 0.75},
            {"colour": "#000000", "red": 0, "green": 0, "blue": 0, "share": 0.25},
        ]
    }


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 5000, 3), (3000, 2, 3)])
def test_R_INF_4_the_example_takes_images_of_every_shape(
    registry: InferenceRegistry, shape: tuple[int, int, int]
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, shape, dtype=np.uint8)
    every = {"count": 16, "min_share": 0}
    colours = registry.run(NAME, noise, every).output["colours"]
    assert isinstance(colours, list)
    shares = [colour["share"] for colour in colours if isinstance(colour, dict)]
    assert sum(share for share in shares if isinstance(share, float)) == pytest.approx(1, abs=1e-3)
    assert registry.run(NAME, noise, every).output["colours"] == colours
    assert registry.run(NAME, noise, {"count": 16, "min_share": 1}).output["colours"] == []


def test_R_INF_4_the_example_refuses_wrong_parameters(registry: InferenceRegistry) -> None:
    with pytest.raises(FieldsInvalidError) as caught:
        registry.run(NAME, two_colours(), {"count": 17, "cuont": 1})
    assert {error.field for error in caught.value.errors} == {"parameters.count", "parameters.cuont"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, built and installed into a folder of its own."""
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv, which builds and installs packages, is not on the search path")
    target = tmp_path_factory.mktemp("site")
    source = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("source") / EXAMPLE.name)
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", target, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


@pytest.mark.slow
def test_R_INF_4_the_example_installed_as_a_package_is_called_by_name(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-c", CALL, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "origin": "lianpu-plugin-colours 1.0",
        "state": "ready",
        "output": {
            "colours": [
                {"colour": "#c81e0a", "red": 200, "green": 30, "blue": 10, "share": 0.75},
                {"colour": "#000000", "red": 0, "green": 0, "blue": 0, "share": 0.25},
            ]
        },
    }
