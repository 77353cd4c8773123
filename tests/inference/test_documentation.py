"""docs/plugins.md: what it shows is what runs."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.engines.classify.preparation import Preparation
from lianpu.errors import InferenceModelUnavailableError
from lianpu.inference.manifest import InputDescription, ModelManifest, parse_manifest
from lianpu.inference.packages import ENTRY_POINT_GROUP
from lianpu.inference.registry import InferenceRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from tests.inference.conftest import InstallPlugin
from tests.small_classifiers import write_classifier

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def test_R_INF_4_the_documented_manifest_is_valid_and_complete() -> None:
    manifest = parse_manifest(blocks("toml")[0])
    assert manifest.input.crop_ratio == 0.875
    documented = set(re.findall(r"^(\w+) = ", blocks("toml")[0], re.MULTILINE))
    fields = set(ModelManifest.model_fields) | set(InputDescription.model_fields)
    assert documented == fields - {"input", "schema_version"}
    size = manifest.input.size
    assert size is not None
    assert Preparation(*size, **manifest.input.model_dump(exclude={"size"})).scale == pytest.approx(1 / 255)


def test_R_INF_4_the_documented_model_runs(
    install_plugin: InstallPlugin, tmp_path: Path, sessions: OnnxSessionFactory, grey: NDArray[np.uint8]
) -> None:
    assert f'[project.entry-points."{ENTRY_POINT_GROUP}"]\nsmoke = "my_package:Smoke"' in blocks("toml")[1]
    install_plugin(blocks("python")[0], name="smoke", cls="Smoke")
    registry = InferenceRegistry(tmp_path / "models", sessions)
    with pytest.raises(InferenceModelUnavailableError, match=r"smoke\.onnx is missing"):
        registry.run("smoke", grey)
    write_classifier(tmp_path / "models" / "smoke" / "smoke.onnx", input_name="input")
    score = pytest.approx(100 / 255)
    assert registry.run("smoke", grey).output == {"smoke": False, "score": score}
    assert registry.run("smoke", grey, {"threshold": 0.3}).output == {"smoke": True, "score": score}
