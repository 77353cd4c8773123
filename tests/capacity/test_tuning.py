"""R-SWP 6: networks are timed by all that may run them, fed as their engines feed them; in doubt the rule stands."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from lianpu.capacity.example import portrait_jpeg
from lianpu.capacity.tuning import Candidate, FeedRecorder, Tuning, TuningLengths, fastest_of, merged, speeds_of
from lianpu.engines.face.analyzer import AnalyzerOptions, load_analyzer
from lianpu.engines.image import decode_image
from lianpu.errors import PackDamagedError
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.measured import MeasuredRuntimes, NetworkRuntime, NetworkSpeeds, network_digest
from lianpu.runtime.onnx import OnnxSessionFactory, probe_network
from lianpu.runtime.sessions import CpuRuntime, Sessions

ONNX, FLOAT32, BFLOAT16 = NetworkRuntime


@pytest.fixture
def registry(translated_packs: Path, tmp_path: Path) -> PackRegistry:
    return PackRegistry(tmp_path / "packs", translated_packs, OnnxSessionFactory(["cpu"]))


def sessions(cpu: CpuRuntime = CpuRuntime.AUTO) -> Sessions:
    return Sessions(OnnxSessionFactory(["cpu"], threads=2), cpu)


def tuning(registry: PackRegistry, own: Sessions) -> Tuning:
    return Tuning(registry, own, AnalyzerOptions(), portrait_jpeg(), callers=2, lengths=TuningLengths(0, 1))


@pytest.mark.slow
def test_R_SWP_6_every_network_of_a_pack_is_run_by_all_that_may_run_it(registry: PackRegistry) -> None:
    own = sessions()
    found = tuning(registry, own).of_pack("dlib@1")
    pack = registry.get("dlib")
    roles = pack.manifest.roles
    assert roles.detector is not None
    assert roles.embedder is not None
    files = [roles.detector.file, roles.embedder.file]
    assert set(found) == {network_digest(pack.path_of(file)) for file in files}
    assert sorted(speeds.file for speeds in found.values()) == sorted(files)
    for speeds in found.values():
        assert set(speeds.runs_per_s) == set(own.contenders)
        assert all(rate > 0 for rate in speeds.runs_per_s.values())


def foreign_network(path: Path) -> Path:
    """One with a node that only ONNX Runtime knows."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("CDist", ["x", "x"], ["y"], domain="com.microsoft", metric="euclidean")],
        "distances",
        [value("x", TensorProto.FLOAT, [2, 1])],
        [value("y", TensorProto.FLOAT, [2, 2])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


def test_R_SWP_6_all_that_may_run_a_network_are_timed_and_those_that_cannot_load_it_left_out(tmp_path: Path) -> None:
    own = sessions()
    path = tmp_path / "probe.onnx"
    path.write_bytes(probe_network())
    speeds = speeds_of(own, Candidate(path, {"x": np.ones(1, np.float32)}), 2, TuningLengths(0, 3))
    assert (speeds.file, set(speeds.runs_per_s)) == ("probe.onnx", set(own.contenders))
    foreign = Candidate(foreign_network(tmp_path / "foreign.onnx"), {"x": np.ones((2, 1), np.float32)})
    alone = speeds_of(own, foreign, 1, TuningLengths(0, 1))
    assert (alone.fastest, list(alone.runs_per_s)) == (ONNX, [ONNX])
    with pytest.raises(PackDamagedError, match="by any runtime"):
        speeds_of(own, Candidate(tmp_path / "missing.onnx", {}), 1, TuningLengths(0, 1))


def test_R_SWP_6_networks_are_fed_what_their_engines_feed_them(registry: PackRegistry) -> None:
    recorder = FeedRecorder(sessions())
    analyzer = load_analyzer(registry.get("dlib"), recorder)
    pixels = decode_image(portrait_jpeg()).pixels
    analyzer.embed(pixels, analyzer.detect(pixels))
    shapes = {model.name: [value.shape for value in feeds.values()] for model, feeds in recorder.feeds.items()}
    assert shapes["embedder.onnx"] == [(1, 3, 150, 150)]
    ((batch, channels, *_),) = shapes["detector.onnx"]
    assert (batch, channels) == (1, 3)


def test_R_SWP_6_packs_are_tuned_where_there_is_a_choice(registry: PackRegistry) -> None:
    assert "dlib@1" in tuning(registry, sessions()).packs()
    assert tuning(registry, sessions(CpuRuntime.ONNXRUNTIME)).packs() == []
    assert merged(sessions(CpuRuntime.ONNXRUNTIME), {}) is None


@pytest.mark.parametrize(
    ("rates", "fastest"),
    [
        ({BFLOAT16: 10.0, FLOAT32: 9.0, ONNX: 8.0}, BFLOAT16),
        ({BFLOAT16: 10.0, FLOAT32: 9.0, ONNX: 20.0}, ONNX),
        ({BFLOAT16: 10.0, FLOAT32: 10.4, ONNX: 8.0}, BFLOAT16),
        ({FLOAT32: 9.0, ONNX: 9.1}, ONNX),
    ],
    ids=["the rule's own", "another", "no clear winner", "the rule's own cannot load it"],
)
def test_R_SWP_6_the_rule_stands_unless_another_is_clearly_faster(
    rates: dict[NetworkRuntime, float], fastest: NetworkRuntime
) -> None:
    assert fastest_of(rates, (BFLOAT16, FLOAT32, ONNX)) is fastest


def test_R_SWP_6_what_was_measured_before_stays_while_it_holds() -> None:
    own = sessions()
    assert own.circumstances is not None
    speeds = {name: NetworkSpeeds(name, ONNX, {ONNX: 1.0}) for name in ("old", "both", "new")}
    before = MeasuredRuntimes(
        datetime(2026, 1, 1, tzinfo=UTC), own.circumstances, {name: speeds[name] for name in ("old", "both")}
    )
    own.adopt(before)
    again = replace(speeds["both"], fastest=FLOAT32)
    found = merged(own, {"both": again, "new": speeds["new"]})
    assert found is not None
    assert found.networks == {"old": speeds["old"], "both": again, "new": speeds["new"]}
    assert found.measured_at > before.measured_at
    own.adopt(replace(before, circumstances=replace(own.circumstances, processor="another")))
    fresh = merged(own, {"new": speeds["new"]})
    assert fresh is not None
    assert (fresh.networks, fresh.circumstances) == ({"new": speeds["new"]}, own.circumstances)
