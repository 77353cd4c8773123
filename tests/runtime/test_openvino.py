"""OpenVINO behind the port: the same answers as ONNX Runtime, rounded only where an engine allows it."""

import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from lianpu.errors import PackDamagedError, PackError, ProviderError
from lianpu.packs.registry import PackRegistry
from lianpu.runtime import sessions as runtime_sessions
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.openvino import OpenVinoSessionFactory
from lianpu.runtime.sessions import CpuRuntime, Sessions


def sessions(cpu: CpuRuntime = CpuRuntime.AUTO) -> Sessions:
    return Sessions(OnnxSessionFactory(["cpu"], threads=2), cpu)


def network(path: Path, element: int = TensorProto.FLOAT) -> Path:
    """y = x · w for [n, 64], and z = -x, which has another name inside of the graph."""
    weights = np.random.default_rng(1).normal(size=(64, 64)).astype(helper.tensor_dtype_to_np_dtype(element))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["y"]),
            helper.make_node("Neg", ["x"], ["17"]),
            helper.make_node("Identity", ["17"], ["z"]),
        ],
        "product",
        [value("x", element, ["n", 64])],
        [value("y", element, ["n", 64]), value("z", element, ["n", 64])],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


@pytest.mark.parametrize("element", [TensorProto.FLOAT, TensorProto.FLOAT16], ids=["float32", "float16"])
def test_R_SWP_6_answers_names_and_shapes_are_those_of_the_other_runtime(tmp_path: Path, element: int) -> None:
    path = network(tmp_path / "network.onnx", element)
    expected, found = OnnxSessionFactory(["cpu"]).open(path), OpenVinoSessionFactory(2).open(path)
    assert (found.inputs, found.outputs) == (expected.inputs, expected.outputs)
    for rows in (1, 5, 1):
        probe = np.random.default_rng(rows).normal(size=(rows, 64)).astype(np.float32)
        for ours, theirs in zip(found.run({"x": probe}), expected.run({"x": probe}), strict=True):
            assert ours.dtype == theirs.dtype == np.float32
            np.testing.assert_allclose(ours, theirs, atol=2e-2 if element == TensorProto.FLOAT16 else 1e-4)


def test_R_SWP_6_several_callers_get_their_own_answers_and_keep_them(tmp_path: Path) -> None:
    session = OpenVinoSessionFactory(2).open(network(tmp_path / "network.onnx"))
    wrong: list[int] = []

    def call(number: int) -> None:
        probe = np.full((2, 64), number, np.float32)
        kept = [session.run({"x": probe})[1] for _ in range(50)]
        if not all((answer == -number).all() for answer in kept):
            wrong.append(number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_R_SWP_6_what_it_cannot_run_or_load_is_said(tmp_path: Path) -> None:
    factory = OpenVinoSessionFactory(2)
    session = factory.open(network(tmp_path / "network.onnx"))
    for feeds in ({"x": np.zeros((1, 63), np.float32)}, {"other": np.zeros((1, 64), np.float32)}):
        with pytest.raises(PackError, match=r"^network\.onnx did not run: "):
            session.run(feeds)
    assert session.run({"x": np.zeros((1, 64), np.float32)})[0].shape == (1, 64)
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(PackDamagedError, match=r"^broken\.onnx cannot be loaded: ") as raised:
        factory.open(tmp_path / "broken.onnx")
    assert str(tmp_path) not in raised.value.detail
    with pytest.raises(PackDamagedError, match=r"^missing\.onnx is missing"):
        factory.open(tmp_path / "missing.onnx")


def test_R_SWP_6_auto_rounds_only_what_may_be_rounded(tmp_path: Path) -> None:
    path = network(tmp_path / "network.onnx")
    ours = sessions()
    opened = [ours.open(path), ours.open(path, may_round=True)]
    rounded = "bfloat16" if OpenVinoSessionFactory(2).has_bfloat16 else "float32"
    assert [session.provider for session in opened] == ["CPUExecutionProvider", f"OpenVINO CPU ({rounded})"]
    assert ours.running == {"CPUExecutionProvider": 1, f"OpenVINO CPU ({rounded})": 1}
    assert ours.cpu_reason is not None
    assert rounded in ours.cpu_reason


def test_R_SWP_6_settings_name_what_runs_networks_on_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = network(tmp_path / "network.onnx")
    assert sessions(CpuRuntime.OPENVINO).open(path).provider == "OpenVINO CPU (float32)"
    assert sessions(CpuRuntime.ONNXRUNTIME).open(path, may_round=True).provider == "CPUExecutionProvider"
    monkeypatch.setattr(runtime_sessions, "is_installed", lambda: False)
    assert sessions().open(path, may_round=True).provider == "CPUExecutionProvider"
    assert sessions().cpu_reason == "ONNX Runtime runs all networks: openvino is not installed"
    with pytest.raises(ProviderError, match="not installed"):
        sessions(CpuRuntime.OPENVINO)


def test_R_SWP_6_a_network_that_only_the_other_runtime_knows_is_run_by_it(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("CDist", ["x", "x"], ["y"], domain="com.microsoft", metric="euclidean")],
        "distances",
        [value("x", TensorProto.FLOAT, [2, 1])],
        [value("y", TensorProto.FLOAT, [2, 2])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(tmp_path / "foreign.onnx"))
    with pytest.raises(PackDamagedError):
        OpenVinoSessionFactory(2).open(tmp_path / "foreign.onnx")
    session = sessions().open(tmp_path / "foreign.onnx", may_round=True)
    assert session.provider == "CPUExecutionProvider"
    assert session.run({"x": np.array([[1], [4]], np.float32)})[0].tolist() == [[0, 3], [3, 0]]


def test_R_SWP_6_embeddings_of_the_embedded_pack_hardly_change_when_they_are_rounded(
    translated_packs: Path, tmp_path: Path
) -> None:
    pack = PackRegistry(tmp_path, translated_packs, OnnxSessionFactory(["cpu"])).get("dlib")
    assert pack.manifest.roles.embedder is not None
    path = pack.path_of(pack.manifest.roles.embedder.file)
    crops = np.random.default_rng(1).uniform(-0.5, 0.5, (4, 3, 150, 150)).astype(np.float32)
    exact, rounded = OnnxSessionFactory(["cpu"]).open(path), sessions().open(path, may_round=True)
    (name,) = [spec.name for spec in exact.inputs]
    one, other = exact.run({name: crops})[0], rounded.run({name: crops})[0]
    cosines = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    assert cosines.min() > 0.999
