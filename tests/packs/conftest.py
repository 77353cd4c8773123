"""Fixtures of pack tests: a session factory, and folders of networks to import."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lianpu.runtime.onnx import OnnxSessionFactory


@pytest.fixture(scope="session")
def sessions() -> OnnxSessionFactory:
    return OnnxSessionFactory("auto", threads=1)


@pytest.fixture
def packs_dir(tmp_path: Path) -> Path:
    return tmp_path / "packs"


@pytest.fixture(scope="session")
def scrfd(testkit: Path) -> Path:
    return testkit / "models/detection/scrfd_500m_kps_640.onnx"


@pytest.fixture(scope="session")
def mobilefacenet(testkit: Path) -> Path:
    return testkit / "models/recognition/mobilefacenet_foamliu_arc.onnx"


@pytest.fixture(scope="session")
def make_embedder() -> Callable[..., Path]:
    """Writes a stand-in with the contract of an ArcFace network: colours averaged, times a random matrix."""

    def make(path: Path, dimension: int = 512, *, scale: float = 1.0) -> Path:
        weights = np.random.default_rng(dimension).normal(size=(3, dimension)).astype(np.float32) * np.float32(scale)
        bias = np.ones(dimension, np.float32)
        graph = helper.make_graph(
            [
                helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
                helper.make_node("Flatten", ["pooled"], ["flat"]),
                helper.make_node("Gemm", ["flat", "weights", "bias"], ["embedding"]),
            ],
            "stand-in",
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["n", 3, 112, 112])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", dimension])],
            [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(model.SerializeToString())
        return path

    return make


@pytest.fixture
def buffalo(tmp_path: Path, scrfd: Path, make_embedder: Callable[..., Path]) -> Path:
    """A folder like InsightFace's buffalo_sc; the recogniser is a 512-d stand-in, the landmark nets are no ONNX."""
    folder = tmp_path / "buffalo_sc"
    make_embedder(folder / "w600k_mbf.onnx")
    (folder / "det_500m.onnx").write_bytes(scrfd.read_bytes())
    for extra in ("1k3d68.onnx", "2d106det.onnx"):
        (folder / extra).write_bytes(b"not loaded")
    return folder


@pytest.fixture
def without_points(tmp_path: Path, scrfd: Path) -> Path:
    """SCRFD without its five points: the real network, its last three outputs cut off."""
    model = onnx.load(scrfd)
    del model.graph.output[6:]
    path = tmp_path / "scrfd_500m.onnx"
    onnx.save(model, path)
    return path
