"""R-SWP 6: `auto` goes by what was measured while the circumstances are the same, and by the rule otherwise."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lianpu.runtime.measured import (
    MEASURED_FILE,
    MeasuredRuntimes,
    NetworkRuntime,
    NetworkSpeeds,
    network_digest,
    read_measured,
    write_measured,
)
from lianpu.runtime.onnx import OnnxSessionFactory, probe_network
from lianpu.runtime.sessions import CpuRuntime, Sessions

ONNX, FLOAT32, BFLOAT16 = NetworkRuntime


def sessions(measured: MeasuredRuntimes | None, cpu: CpuRuntime = CpuRuntime.AUTO) -> Sessions:
    return Sessions(OnnxSessionFactory(["cpu"], threads=2), cpu, measured)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    path = tmp_path / "network.onnx"
    path.write_bytes(probe_network())
    return path


def measured_for(network: Path, fastest: NetworkRuntime) -> MeasuredRuntimes:
    circumstances = sessions(None).circumstances
    assert circumstances is not None
    speeds = NetworkSpeeds(network.name, fastest, {ONNX: 20.0, FLOAT32: 10.0})
    moment = datetime(2026, 11, 30, 8, tzinfo=UTC)
    return MeasuredRuntimes(moment, circumstances, {network_digest(network): speeds})


def test_R_SWP_6_auto_opens_a_network_by_what_was_the_fastest_for_it(network: Path, tmp_path: Path) -> None:
    chosen = sessions(measured_for(network, ONNX))
    assert chosen.open(network, may_round=True).provider == "CPUExecutionProvider"
    renamed = network.rename(tmp_path / "renamed.onnx")
    assert chosen.open(renamed, may_round=True).provider == "CPUExecutionProvider"
    exact = sessions(measured_for(renamed, FLOAT32))
    assert exact.open(renamed, may_round=True).provider == "OpenVINO CPU (float32)"
    assert chosen.cpu_reason is not None
    assert chosen.cpu_reason.endswith("networks that were measured on 2026-11-30 by the fastest: ONNX Runtime 1")


def test_R_SWP_6_what_may_not_be_rounded_and_what_was_not_measured_follow_the_rule(
    network: Path, tmp_path: Path
) -> None:
    exact = sessions(measured_for(network, FLOAT32))
    assert exact.open(network).provider == "CPUExecutionProvider"
    other = tmp_path / "other.onnx"
    other.write_bytes(probe_network() + b"\x32\x00")  # an empty domain: the same network, another file
    chosen = sessions(measured_for(network, ONNX))
    assert chosen.open(other, may_round=True).provider == sessions(None).open(other, may_round=True).provider
    assert chosen.open(other, may_round=True).provider.startswith("OpenVINO")


@pytest.mark.parametrize(
    "other", [{"processor": "another"}, {"threads": 3}, {"onnxruntime": "1.0"}, {"openvino": "2020.1"}], ids=str
)
def test_R_SWP_6_what_was_measured_under_other_circumstances_is_left_aside_and_said(
    network: Path, other: dict[str, object]
) -> None:
    measured = measured_for(network, ONNX)
    changed = replace(measured, circumstances=replace(measured.circumstances, **other))  # type: ignore[arg-type]
    opened = sessions(changed)
    assert opened.measured is None
    assert opened.open(network, may_round=True).provider.startswith("OpenVINO")
    assert opened.cpu_reason is not None
    assert "`lianpu bench --tune` measures anew" in opened.cpu_reason


def test_R_SWP_6_a_runtime_that_the_settings_name_is_taken_whatever_was_measured(network: Path) -> None:
    measured = measured_for(network, FLOAT32)
    only = sessions(measured, CpuRuntime.ONNXRUNTIME)
    assert only.open(network, may_round=True).provider == "CPUExecutionProvider"
    assert (only.contenders, only.circumstances, only.measured) == ((ONNX,), None, None)
    named = sessions(measured_for(network, ONNX), CpuRuntime.OPENVINO)
    assert named.open(network, may_round=True).provider.startswith("OpenVINO")
    assert named.circumstances is None


def test_R_SWP_6_what_is_adopted_holds_for_what_is_opened_from_then_on(network: Path) -> None:
    running = sessions(None)
    assert running.open(network, may_round=True).provider.startswith("OpenVINO")
    running.adopt(measured_for(network, ONNX))
    assert running.open(network, may_round=True).provider == "CPUExecutionProvider"


def test_R_SWP_6_the_measurement_is_kept_in_the_home(network: Path, tmp_path: Path) -> None:
    assert read_measured(tmp_path) is None
    measured = measured_for(network, BFLOAT16)
    write_measured(tmp_path, measured)
    assert read_measured(tmp_path) == measured


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": 2}', '{"format": 1}', '{"format": 1, "measured_at": "x"}'], ids=repr
)
def test_R_SWP_6_a_file_that_cannot_be_read_is_told_in_the_log_and_counts_as_none(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / MEASURED_FILE).parent.mkdir()
    (tmp_path / MEASURED_FILE).write_text(content)
    assert read_measured(tmp_path) is None
    assert "`lianpu bench --tune` measures anew" in caplog.text
