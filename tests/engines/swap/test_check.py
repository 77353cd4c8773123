"""`check` of external engines: what is missing, in which order it decides, and the exit codes of the command."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from lianpu.cli import app
from lianpu.engines.swap.external.flags import Option, flags_of, given_flags, map_flags
from lianpu.engines.swap.external.models import ModelFile, model_finding
from lianpu.engines.swap.integrations import Integrations, read_integrations
from lianpu.engines.swap.swapper import EngineReport, Finding, Readiness
from lianpu.errors import IntegrationsInvalidError, SwapEngineNotFoundError, SwapUnsupportedError
from tests.engines.swap.conftest import Bench, Checkout, Installation

pytestmark = pytest.mark.slow

MakeCheckout = Callable[[str], Checkout]


@pytest.fixture
def facefusion(make_checkout: MakeCheckout, installation: Installation) -> Checkout:
    made = make_checkout("facefusion")
    installation.integrate(facefusion=made.table)
    return made


def _wrong(report: EngineReport) -> dict[str, Finding]:
    return {finding.name: finding for finding in report.findings if not finding.is_ok}


@pytest.mark.parametrize("name", ["facefusion", "deep-live-cam", "iroop"])
def test_R_SWP_1_complete_installation_is_ready_and_a_deep_check_swaps(
    name: str, make_checkout: MakeCheckout, installation: Installation
) -> None:
    made = make_checkout(name)
    installation.integrate(**{name.replace("-", "_"): made.table})
    report = installation.engines.check(name)
    wrong = _wrong(report)
    # The interpreter that runs the tests may be newer or older than the program's.
    assert wrong.keys() <= {"interpreter", "disk"}
    assert report.readiness in {Readiness.READY, Readiness.DEGRADED}
    assert report.provider == "CPUExecutionProvider"
    assert made.notes == [], "nothing was swapped"


def test_R_SWP_1_deep_check_reads_digests_and_swaps_the_example(
    facefusion: Checkout, installation: Installation
) -> None:
    facefusion.order(box=(150, 150, 430, 450))
    for file in (facefusion.folder / ".assets/models").glob("*.onnx"):
        # zlib's CRC-32, as FaceFusion writes it.
        import zlib

        file.with_suffix(".hash").write_text(f"{zlib.crc32(file.read_bytes()):08x}")
    report = installation.engines.check("facefusion", deep=True)
    assert "example" not in _wrong(report)
    assert [finding.name for finding in report.findings][-1] == "example"
    assert len(facefusion.notes) == 1
    (facefusion.folder / ".assets/models/inswapper_128.hash").write_text("0badf00d")
    report = installation.engines.check("facefusion", deep=True)
    assert report.readiness is Readiness.MODEL_MISSING
    assert "CRC-32" in _wrong(report)["model inswapper_128.onnx"].detail


@pytest.mark.parametrize(
    ("change", "readiness", "finding"),
    [
        (lambda folder: (folder / "facefusion.py").unlink(), Readiness.NOT_INSTALLED, "folder"),
        (lambda folder: (folder / ".assets/models/nsfw_2.onnx").unlink(), Readiness.MODEL_MISSING, "model nsfw_2.onnx"),
        (lambda folder: (folder / ".assets/models/nsfw_2.hash").unlink(), Readiness.MODEL_MISSING, "model nsfw_2.onnx"),
        (lambda folder: (folder / "bin/ffmpeg").unlink(), Readiness.BROKEN, "ffmpeg"),
        (
            lambda folder: (folder / "facefusion.py").write_text("import nothing_of_that_name"),
            Readiness.BROKEN,
            "options",
        ),
    ],
)
def test_R_SWP_1_what_is_missing_decides(
    change: Callable[[Path], object],
    readiness: Readiness,
    finding: str,
    facefusion: Checkout,
    installation: Installation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    change(facefusion.folder)
    report = installation.engines.check("facefusion")
    assert report.readiness is readiness
    assert finding in _wrong(report)


def test_R_SWP_1_interpreter_that_is_not_there_or_lacks_onnxruntime(
    facefusion: Checkout, installation: Installation, tmp_path: Path
) -> None:
    installation.integrate(facefusion={**facefusion.table, "python": str(tmp_path / "none")})
    report = installation.engines.check("facefusion")
    assert (report.readiness, list(_wrong(report))) == (Readiness.NOT_INSTALLED, ["python"])
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E "$@"\n')
    bare.chmod(0o755)
    installation.integrate(facefusion={**facefusion.table, "python": str(bare)})
    report = installation.engines.check("facefusion")
    assert report.readiness is Readiness.BROKEN
    assert "onnxruntime" in _wrong(report)["onnxruntime"].detail


@pytest.mark.parametrize(("strict", "readiness"), [(True, Readiness.PROVIDER_MISSING), (False, Readiness.DEGRADED)])
def test_R_SWP_6_asked_for_provider_that_is_absent(
    strict: bool, readiness: Readiness, facefusion: Checkout, installation: Installation
) -> None:
    installation.integrate(facefusion={**facefusion.table, "providers": ["cuda", "cpu"], "strict": strict})
    report = installation.engines.check("facefusion")
    assert report.readiness is readiness
    wrong = _wrong(report)["provider cuda"]
    assert "does not have it" in wrong.detail
    assert "onnxruntime-gpu" in (wrong.advice or "")
    assert report.provider == "CPUExecutionProvider"


def test_R_SWP_1_options_of_other_versions_are_mapped_or_told(
    facefusion: Checkout, installation: Installation, bench: Bench, source_jpeg: bytes, target_jpeg: bytes
) -> None:
    # 3.3 called it --execution-device-id, in the singular.
    facefusion.order(version="3.3")
    installation.integrate(facefusion={**facefusion.table, "device": 1})
    result = bench.run(installation.engines, "facefusion", bench.job(source_jpeg, target_jpeg))
    assert result.faces_swapped == 1
    assert (
        facefusion.notes[-1]["arguments"][facefusion.notes[-1]["arguments"].index("--execution-device-id") + 1] == "1"
    )
    # Something that is only nice to have.
    facefusion.order(without=["--face-selector-order"])
    report = installation.engines.check("facefusion")
    assert report.readiness is Readiness.DEGRADED
    assert "--face-selector-order" in _wrong(report)["option order"].detail
    # And something without which runs would share their files.
    facefusion.order(without=["--temp-path", "--jobs-path"])
    report = installation.engines.check("facefusion")
    assert report.readiness is Readiness.BROKEN
    assert "--temp-path, --jobs-path" in _wrong(report)["options"].detail


def test_R_SWP_1_flags_that_lianpu_sets_are_not_the_administrators(
    facefusion: Checkout, installation: Installation, bench: Bench, source_jpeg: bytes, target_jpeg: bytes
) -> None:
    installation.integrate(facefusion={**facefusion.table, "extra_flags": ["--output-path", "/etc/passwd"]})
    assert "extra_flags" in _wrong(installation.engines.check("facefusion"))
    installation.integrate(facefusion={**facefusion.table, "extra_flags": ["--config-path=my.ini"]})
    bench.run(installation.engines, "facefusion", bench.job(source_jpeg, target_jpeg))
    assert facefusion.notes[-1]["arguments"][-1] == "--config-path=my.ini"


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\n\n<html lang='en'>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x08\x07", "no whole model"),
    ],
)
def test_R_SWP_1_what_downloads_leave_in_place_of_a_model_is_seen(head: bytes, told: str, tmp_path: Path) -> None:
    size = 10 if told == "no whole model" else 2_000_000
    (tmp_path / "model.onnx").write_bytes(head + bytes(size))
    finding = model_finding(tmp_path, ModelFile("model.onnx"), {}, deep=False)
    assert not finding.is_ok
    assert told in finding.detail


def test_R_SWP_1_digests_known_and_pinned(tmp_path: Path) -> None:
    data = b"\x08\x07" + bytes(1_500_000)
    (tmp_path / "model.onnx").write_bytes(data)
    right, wrong = hashlib.sha256(data).hexdigest(), "0" * 64
    known = ModelFile("model.onnx", (wrong,))
    assert model_finding(tmp_path, known, {}, deep=False).is_ok, "only a deep check reads it whole"
    assert right in model_finding(tmp_path, known, {}, deep=True).detail
    assert model_finding(tmp_path, known, {"model.onnx": right}, deep=True).is_ok
    other = ModelFile("missing.onnx", alternatives=("model.onnx",))
    assert model_finding(tmp_path, other, {}, deep=True).is_ok


def test_R_SWP_1_help_is_read_for_flags() -> None:
    text = (
        "usage: x [-h] [-s SOURCE [SOURCE ...]]\n  -s, --source-paths SOURCE\n  --temp-path TEMP-PATH  say re-run, a-b"
    )
    assert flags_of(text) == {"-h", "-s", "--source-paths", "--temp-path"}
    mapped = map_flags(
        text, {"source": Option(("--sources", "-s")), "a": Option(("--a",)), "b": Option(("--b",), False)}
    )
    assert (mapped["source"], mapped.missing, mapped.lacking) == ("-s", ("a",), ("b",))
    assert given_flags(["--a=1", "b", "-c", "3"]) == {"--a", "-c"}


@given(st.text())
def test_R_SWP_1_any_help_is_read(text: str) -> None:
    assert all(flag.startswith("-") for flag in flags_of(text))


def test_R_SWP_1_integrations_are_strict(tmp_path: Path) -> None:
    path = tmp_path / "integrations.toml"
    assert read_integrations(path) == Integrations()
    path.write_text(
        '[facefusion]\nfolder = "relative"\nproviders = ["gpu"]\nmemory_limit = 3\n[deepfacelab]\nfolder = "/x"\n'
    )
    with pytest.raises(IntegrationsInvalidError) as caught:
        read_integrations(path)
    fields = {error.field for error in caught.value.errors}
    assert fields == {"facefusion.folder", "facefusion.providers.0", "facefusion.memory_limit", "deepfacelab"}
    assert all(field in caught.value.detail for field in fields)
    path.write_text('[deep-live-cam]\nfolder = "/opt/dlc"\n[external.mine]\nfolder = "/opt/mine"\n')
    read = read_integrations(path)
    assert read.of("deep-live-cam") == read.deep_live_cam
    assert read.of("mine") is not None
    assert read.of("facefusion") is None
    assert read.of("deep-live-cam").interpreter == Path("/opt/dlc/.venv/bin/python")  # type: ignore[union-attr]


@given(st.binary(max_size=300))
def test_R_SWP_1_any_bytes_as_integrations_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "integrations.toml"
    path.write_bytes(content)
    refused = None
    try:
        read_integrations(path)
    except IntegrationsInvalidError as error:
        refused = error.detail
    assert refused is None or str(path) in refused


def test_R_SWP_1_integrations_that_cannot_be_read_are_the_engines_finding(installation: Installation) -> None:
    (installation.home / "integrations.toml").write_text("[facefusion")
    report = installation.engines.check("facefusion")
    assert report.readiness is Readiness.BROKEN
    assert "not valid TOML" in report.findings[0].detail
    assert installation.engines.check("landmark").readiness is Readiness.READY


def test_R_SWP_1_registry_lists_and_refuses(installation: Installation) -> None:
    engines = installation.engines
    assert [engine.name for engine in engines.list()] == [
        "deep-live-cam",
        "facefusion",
        "inswapper",
        "iroop",
        "landmark",
    ]
    assert all(engine.problem is None for engine in engines.list())
    for ask in (engines.get, engines.check, engines.frames):
        with pytest.raises(SwapEngineNotFoundError, match="landmark"):
            ask("landmarks")
    with pytest.raises(SwapUnsupportedError):
        engines.frames("iroop")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (None, {0, 3}),
        ("no integration", {4}),
        ("no model", {5}),
        ("no provider", {6}),
    ],
)
def test_R_SWP_1_exit_status_of_the_command(
    change: str | None, status: set[int], facefusion: Checkout, installation: Installation
) -> None:
    if change == "no integration":
        (installation.home / "integrations.toml").unlink()
    if change == "no model":
        (facefusion.folder / ".assets/models/inswapper_128.onnx").unlink()
    if change == "no provider":
        installation.integrate(facefusion={**facefusion.table, "providers": ["tensorrt"], "strict": True})
    answer = CliRunner().invoke(app, ["engines", "check", "facefusion", "--json", "--home", str(installation.home)])
    assert answer.exit_code in status, answer.output
    report = json.loads(answer.output)
    assert report["engine"] == "facefusion"
    plain = CliRunner().invoke(app, ["engines", "check", "facefusion", "--home", str(installation.home)])
    assert plain.exit_code == answer.exit_code
    assert report["readiness"].replace("_", " ") in plain.output


def test_R_SWP_1_list_and_doctor_know_the_engines(facefusion: Checkout, installation: Installation) -> None:
    listed = CliRunner().invoke(app, ["engines", "list", "--json", "--home", str(installation.home)])
    kinds = {engine["name"]: engine["kinds"] for engine in json.loads(listed.output)}
    assert kinds["landmark"] == ["image", "live", "video"]
    assert kinds["iroop"] == ["image", "video"]
    (facefusion.folder / ".assets/models/inswapper_128.onnx").unlink()
    doctor = CliRunner().invoke(app, ["doctor", "--json", "--home", str(installation.home)])
    told = [finding for finding in json.loads(doctor.output) if finding["subject"] == "engine"]
    assert len(told) == 1
    assert told[0]["level"] == "notice"
    assert "inswapper_128.onnx" in told[0]["text"]
