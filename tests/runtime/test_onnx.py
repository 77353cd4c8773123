"""ONNX Runtime behind the port: provider choice, damaged files, silence, and no telemetry."""

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from lianpu.errors import PackDamagedError, PackError, ProviderError
from lianpu.runtime import onnx as runtime_onnx
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.providers import Provider, choose_providers, usable_cores

CPU, CUDA, OPENVINO, TENSORRT = (
    "CPUExecutionProvider",
    "CUDAExecutionProvider",
    "OpenVINOExecutionProvider",
    "TensorrtExecutionProvider",
)


def doubling_network(path: Path, element: int = TensorProto.FLOAT) -> Path:
    """y = x + x for [n, 3]."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "doubling",
        [value("x", element, ["n", 3])],
        [value("y", element, ["n", 3])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def test_R_SWP_6_auto_takes_the_best_and_says_why() -> None:
    choice = choose_providers("auto", [OPENVINO, CUDA, TENSORRT, CPU])
    assert choice.requested == ("auto",)
    assert choice.chosen == (Provider.CUDA, Provider.CPU)
    assert set(choice.available) == {Provider.CPU, Provider.CUDA, Provider.OPENVINO, Provider.TENSORRT}
    assert "cuda is the best" in choice.reason
    assert "tensorrt runs only when named" in choice.reason
    assert choose_providers("auto", [CPU]).chosen == (Provider.CPU,)


def test_R_SWP_6_auto_falls_back_with_a_visible_reason() -> None:
    choice = choose_providers("auto", [CUDA, CPU], {Provider.CUDA: "libcudnn.so.9 not found"})
    assert choice.chosen == (Provider.CPU,)
    assert "fell back to cpu" in choice.reason
    assert "libcudnn.so.9 not found" in choice.reason


@pytest.mark.parametrize("name", ["cuda", "tensorrt", "openvino", "directml", "coreml"])
def test_R_SWP_6_a_named_provider_that_is_not_installed_is_refused_with_the_remedy(name: str) -> None:
    with pytest.raises(ProviderError) as refused:
        choose_providers([name, "cpu"], [CPU])
    assert "Available: cpu" in refused.value.detail
    assert "onnxruntime" in refused.value.detail.split("To get it:")[1]


def test_R_SWP_6_a_named_provider_that_does_not_start_is_refused_with_the_cause() -> None:
    with pytest.raises(ProviderError, match="libcudnn"):
        choose_providers(["cuda"], [CUDA, CPU], {Provider.CUDA: "libcudnn.so.9 not found"})


def test_R_SWP_6_where_not_strict_the_next_provider_runs_and_the_choice_says_so() -> None:
    choice = choose_providers(["tensorrt", "cuda", "cpu"], [CUDA, CPU], {Provider.CUDA: "no device"}, strict=False)
    assert choice.requested == ("tensorrt", "cuda", "cpu")
    assert choice.chosen == (Provider.CPU,)
    assert [text.split()[0] for text in choice.missing] == ["tensorrt", "cuda"]
    assert "not installed" in choice.missing[0]
    assert "no device" in choice.missing[1]
    assert all(text in choice.reason for text in choice.missing)
    assert choose_providers(["cuda"], [CUDA, CPU], strict=False).missing == ()
    with pytest.raises(ProviderError, match="quantum"):
        choose_providers(["quantum"], [CPU], strict=False)


def test_R_SWP_6_factory_refuses_or_passes_over_as_told() -> None:
    with pytest.raises(ProviderError, match="onnxruntime-directml"):
        OnnxSessionFactory(["directml"])
    factory = OnnxSessionFactory(["directml", "cpu"], strict=False)
    assert factory.choice.chosen == (Provider.CPU,)
    assert "directml is not installed" in factory.choice.missing[0]


def test_R_SWP_6_memory_limit_and_device_are_handed_to_the_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[list[str], list[dict[str, str]]]] = []

    class Session:
        def __init__(self, _model: object, _options: object, **arguments: Any) -> None:
            given.append((arguments["providers"], arguments["provider_options"]))

        def get_inputs(self) -> list[object]:
            return []

        get_outputs = get_inputs

        def get_providers(self) -> list[str]:
            return [CUDA, CPU]

    monkeypatch.setattr(runtime_onnx._ort, "get_available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(runtime_onnx._ort, "InferenceSession", Session)
    factory = OnnxSessionFactory(["cuda"], gpu_memory_bytes=2 << 30, device_id=3)
    model = tmp_path / "any.onnx"
    model.write_bytes(b"any")
    session = factory.open(model)
    limited = {"device_id": "3", "gpu_mem_limit": str(2 << 30), "arena_extend_strategy": "kSameAsRequested"}
    assert given[-1] == ([CUDA, CPU], [limited, {}])
    # What runs is what the session says, and counts while it is there.
    assert factory.running == {CUDA: 1}
    del session
    gc.collect()
    assert factory.running == {}


@pytest.mark.parametrize("names", [[], ["quantum"]])
def test_R_SWP_6_unknown_names_are_refused(names: list[str]) -> None:
    with pytest.raises(ProviderError, match="auto"):
        choose_providers(names, [CPU])


@pytest.mark.filterwarnings("ignore:Specified provider 'CUDAExecutionProvider'")
def test_R_SWP_6_a_gpu_wheel_without_gpu_falls_back_or_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_onnx._ort, "get_available_providers", lambda: [CUDA, CPU])
    factory = OnnxSessionFactory()
    assert factory.choice.chosen == (Provider.CPU,)
    assert "cuda is installed but did not start" in factory.choice.reason
    with pytest.raises(ProviderError, match="did not start"):
        OnnxSessionFactory(["cuda"])


def test_R_LIB_11_runs_a_network_and_describes_it(tmp_path: Path) -> None:
    session = OnnxSessionFactory(["cpu"], threads=1).open(doubling_network(tmp_path / "twice.onnx"))
    assert session.provider == CPU
    assert [(spec.name, spec.dtype, spec.shape) for spec in session.inputs] == [("x", "float32", (None, 3))]
    assert [spec.name for spec in session.outputs] == ["y"]
    (y,) = session.run({"x": np.ones((2, 3), np.float32)})
    assert isinstance(y, np.ndarray)
    assert np.array_equal(y, np.full((2, 3), 2, np.float32))


def test_R_LIB_11_half_precision_networks_take_and_give_float32(tmp_path: Path) -> None:
    session = OnnxSessionFactory().open(doubling_network(tmp_path / "half.onnx", TensorProto.FLOAT16))
    (y,) = session.run({"x": np.full((1, 3), 0.25, np.float32)})
    assert y.dtype == np.float32
    assert y.tolist() == [[0.5, 0.5, 0.5]]


def test_R_LIB_11_one_session_serves_many_threads(tmp_path: Path) -> None:
    session = OnnxSessionFactory(threads=1).open(doubling_network(tmp_path / "twice.onnx"))
    wrong: list[int] = []

    def work(n: int) -> None:
        results = [session.run({"x": np.full((4, 3), n, np.float32)})[0] for _ in range(50)]
        wrong.extend(n for result in results if not np.all(result == 2 * n))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x08" * 40, None])
def test_R_INF_5_a_file_that_is_no_network_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "det_10g.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PackDamagedError, match=r"det_10g\.onnx") as damaged:
        OnnxSessionFactory().open(path)
    assert str(tmp_path) not in damaged.value.detail


def test_R_INF_5_a_truncated_network_is_damaged(tmp_path: Path, testkit: Path) -> None:
    whole = (testkit / "models/detection/scrfd_500m_kps_640.onnx").read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PackDamagedError, match=r"cut\.onnx"):
        OnnxSessionFactory().open(path)


def test_R_INF_5_feeds_that_do_not_fit_are_a_pack_error(tmp_path: Path) -> None:
    session = OnnxSessionFactory().open(doubling_network(tmp_path / "twice.onnx"))
    with pytest.raises(PackError, match=r"twice\.onnx"):
        session.run({"x": np.ones((2, 4), np.float32)})


def test_R_OPS_3_threads_follow_affinity_and_cgroup_quota(tmp_path: Path) -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    none = tmp_path / "none"
    assert usable_cores(none, none) == cores
    proc, root = tmp_path / "cgroup", tmp_path / "fs"
    (root / "kube" / "pod").mkdir(parents=True)
    proc.write_text("0::/kube/pod\n")
    (root / "kube" / "pod" / "cpu.max").write_text("max 100000\n")
    assert usable_cores(proc, root) == cores
    (root / "kube" / "cpu.max").write_text("50000 100000\n")
    assert usable_cores(proc, root) == 1, "half a core of an ancestor counts as one"
    v1 = tmp_path / "v1"
    (v1 / "cpu").mkdir(parents=True)
    (v1 / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    (v1 / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    assert usable_cores(none, v1) == cores
    (v1 / "cpu" / "cpu.cfs_quota_us").write_text("80000\n")
    assert usable_cores(none, v1) == 1


# Without the switch in lianpu/__init__.py the same child leaves TMPDIR/.ses and two files under XDG_CACHE_HOME; that
# control is not run here, because it would send telemetry from every machine that runs the tests.
_CHILD = """
import sys
from pathlib import Path
from typing import Any
import lianpu
import numpy as np
from lianpu.runtime.onnx import OnnxSessionFactory
session = OnnxSessionFactory().open(Path(sys.argv[1]))
assert session.run({"x": np.ones((1, 3), np.float32)})[0].tolist() == [[2, 2, 2]]
"""


def run_child(tmp_path: Path, home: Path) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the small network in a process whose every writable standard folder is `home`; list what it wrote there."""
    network = doubling_network(tmp_path / "twice.onnx")
    variables = ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TMPDIR", "TMP", "TEMP"]
    variables += [f"XDG_{name}_HOME" for name in ("CACHE", "CONFIG", "DATA", "STATE")] + ["XDG_RUNTIME_DIR"]
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    for variable in variables:
        folder = home / variable
        folder.mkdir(parents=True)
        environment[variable] = str(folder)
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2] / "src"), *sys.path])
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(network)],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done, sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def test_R_OPS_3_no_telemetry_file_appears_and_nothing_is_printed(tmp_path: Path) -> None:
    done, files = run_child(tmp_path, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert files == []
    assert done.stdout == ""
    assert done.stderr == ""
