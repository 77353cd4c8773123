"""The virtual camera: pictures sent to a made-up device of the same interface, and what `check` says of a machine."""

import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lianpu.cli import app
from lianpu.engines.camera.examination import Machine, examine_camera
from lianpu.engines.camera.sink import CameraFormat, letterboxed, open_camera, open_with_pyvirtualcam
from lianpu.engines.face.face import Image
from lianpu.errors import CameraUnavailableError


class FakeDevice:
    """As `pyvirtualcam.Camera`: takes [height, width, 3] uint8 and nothing else."""

    def __init__(self, camera_format: CameraFormat, device: str | None) -> None:
        self.device = device or "/dev/video10"
        self.format = camera_format
        self.sent: list[Image] = []
        self.closed = 0
        self.broken = False

    def send(self, frame: Image) -> None:
        if self.broken:
            raise RuntimeError("error writing to device")
        if frame.shape != (self.format.height, self.format.width, 3) or frame.dtype != np.uint8:
            raise ValueError("unexpected frame shape")
        assert frame.flags["C_CONTIGUOUS"]
        self.sent.append(frame.copy())

    def close(self) -> None:
        self.closed += 1


def test_R_SWP_5_pictures_of_any_size_reach_the_camera_whole() -> None:
    devices: list[FakeDevice] = []

    def opened(camera_format: CameraFormat, device: str | None) -> FakeDevice:
        devices.append(FakeDevice(camera_format, device))
        return devices[-1]

    with open_camera(CameraFormat(320, 180, 25), "/dev/video7", opened) as camera:
        assert camera.name == "/dev/video7"
        for height, width in ((180, 320), (1080, 1920), (640, 360), (17, 9), (1, 900)):
            camera.show(np.full((height, width, 3), (10, 200, 30), np.uint8))
    (device,) = devices
    assert len(device.sent) == 5
    assert (device.sent[1] == (10, 200, 30)).all()
    upright = device.sent[2]
    assert (upright[:, 110:210] == (10, 200, 30)).all()
    assert not upright[:, :100].any()
    assert device.closed == 1
    with pytest.raises(CameraUnavailableError, match="closed"):
        camera.show(device.sent[0])
    camera.close()
    assert device.closed == 1


def test_R_SWP_5_a_device_that_goes_away_is_told() -> None:
    device = FakeDevice(CameraFormat(64, 48, 10), None)
    camera = open_camera(device.format, None, lambda *_: device)
    device.broken = True
    with pytest.raises(CameraUnavailableError, match="takes no more"):
        camera.show(np.zeros((48, 64, 3), np.uint8))


def test_R_SWP_5_letterbox_keeps_the_shape() -> None:
    picture = np.zeros((100, 100, 3), np.uint8)
    picture[:, :50] = 255
    shown = letterboxed(picture, 400, 200)
    assert shown[100, 120].all()
    assert not shown[100, 220].any()
    assert not shown[100, 80].any()


def test_R_SWP_5_without_a_device_or_package_opening_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyvirtualcam", None)
    with pytest.raises(CameraUnavailableError, match=r"lianpu\[camera\]"):
        open_with_pyvirtualcam(CameraFormat(), None)


def test_R_SWP_5_real_package_without_a_device_is_told() -> None:
    pytest.importorskip("pyvirtualcam")
    if Path("/sys/module/v4l2loopback").is_dir():
        pytest.skip("this machine has a virtual camera")
    with pytest.raises(CameraUnavailableError, match="cannot be opened"):
        open_camera(CameraFormat(64, 48, 10), "/dev/video99")


def _machine(root: Path, **options: object) -> Machine:
    given = {"system": "Linux", "root": root, "has_package": lambda: "0.15.0", "open_device": FakeDevice} | options
    return Machine(**given)  # type: ignore[arg-type]


@pytest.fixture
def linux(tmp_path: Path) -> Path:
    """A root folder like that of a machine with v4l2loopback as the script sets it up."""
    files = {
        "sys/module/v4l2loopback/version": "0.12.7\n",
        "sys/module/v4l2loopback/parameters/exclusive_caps": "Y,N,N\n",
        "sys/module/v4l2loopback/parameters/max_width": "8192\n",
        "sys/module/v4l2loopback/parameters/max_height": "8192\n",
        "sys/devices/virtual/video4linux/video10/name": "Lianpu\n",
        "sys/class/video4linux/video10/name": "Lianpu\n",
        "dev/video10": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_R_SWP_5_check_of_a_machine_that_is_ready(linux: Path) -> None:
    report = examine_camera(CameraFormat(), None, _machine(linux))
    assert report.is_ready
    assert report.device == "/dev/video10"
    names = [finding.name for finding in report.findings]
    assert names == ["package", "module", "device", "permission", "exclusive_caps", "resolution", "open"]


@pytest.mark.parametrize(
    ("path", "content", "finding", "told"),
    [
        ("sys/module/v4l2loopback/parameters/exclusive_caps", "N,N", "exclusive_caps", "browsers"),
        ("sys/module/v4l2loopback/parameters/max_width", "640", "resolution", "more than the 640"),
        ("sys/class/video4linux/video10/format", "YU12:640x480@30", "resolution", "keeps it at 640x480"),
        ("dev/video10", None, "permission", "not in this file system"),
    ],
)
def test_R_SWP_5_check_says_what_keeps_the_camera_from_working(
    path: str, content: str | None, finding: str, told: str, linux: Path
) -> None:
    if content is None:
        (linux / path).unlink()
    else:
        (linux / path).write_text(content)
    report = examine_camera(CameraFormat(), None, _machine(linux))
    assert not report.is_ready
    (wrong,) = [item for item in report.findings if not item.is_ok]
    assert wrong.name == finding
    assert told in wrong.detail
    assert wrong.advice
    assert report.device is None, "nothing is opened that cannot work"


def test_R_SWP_5_check_without_module_device_or_package(linux: Path) -> None:
    other = examine_camera(CameraFormat(), "/dev/video3", _machine(linux))
    assert "there: /dev/video10" in next(item.detail for item in other.findings if not item.is_ok)
    none = examine_camera(CameraFormat(), None, _machine(linux / "empty"))
    wrong = next(item for item in none.findings if not item.is_ok)
    assert wrong.name == "module"
    assert "setup_virtual_camera.sh" in (wrong.advice or "")
    bare = examine_camera(CameraFormat(), None, _machine(linux, has_package=lambda: None))
    assert "lianpu[camera]" in (bare.findings[0].advice or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_R_SWP_5_check_of_a_device_that_may_not_be_written(linux: Path) -> None:
    (linux / "dev/video10").chmod(0)
    report = examine_camera(CameraFormat(), None, _machine(linux))
    assert any("group video" in (item.advice or "") for item in report.findings)


@pytest.mark.parametrize(("system", "advice"), [("Windows", "setup_virtual_camera.ps1"), ("Darwin", "Start Virtual")])
def test_R_SWP_5_elsewhere_obs_is_the_camera(system: str, advice: str, tmp_path: Path) -> None:
    def fails(_format: CameraFormat, _device: str | None) -> FakeDevice:
        raise CameraUnavailableError("no OBS")

    report = examine_camera(CameraFormat(), None, _machine(tmp_path, system=system, open_device=fails))
    assert advice in (report.findings[-1].advice or "")
    assert examine_camera(CameraFormat(), None, _machine(tmp_path, system=system)).is_ready


def test_R_SWP_5_command_explains_and_ends_with_1(tmp_path: Path) -> None:
    if Path("/sys/module/v4l2loopback").is_dir():
        pytest.skip("this machine has a virtual camera")
    answer = CliRunner().invoke(app, ["camera", "check", "--home", str(tmp_path)])
    assert answer.exit_code == 1
    assert "v4l2loopback is not loaded" in answer.output
