"""R-STR-2: a webcam by its index: refused unless it is allowed, opened by what the system has for cameras."""

from collections.abc import Callable
from typing import Any

import av
import pytest
from av.device import DeviceInfo

from lianpu.errors import SourceLostError, SourceRefusedError
from lianpu.streams import reading as reading_module
from lianpu.streams import webcams as webcams_module
from lianpu.streams.addresses import SourceKind, SourceRules, checked_source
from lianpu.streams.reading import VideoReader
from lianpu.streams.webcams import Device, webcam

ALLOWED = SourceRules(webcams=(0, 7))


@pytest.mark.parametrize("text", ["0", "webcam:0", "WEBCAM:0", "7", "webcam:7"])
def test_R_STR_2_a_webcam_is_named_by_its_index(text: str) -> None:
    source = checked_source(text, ALLOWED)
    assert source.kind is SourceKind.WEBCAM
    assert source.shown == f"webcam {source.address}"
    assert source.address in {"0", "7"}


@pytest.mark.parametrize(
    "text",
    ["1", "webcam:1", "webcam:-1", "webcam:", "webcam:x", "webcam:00", "webcam:0x0", "webcam:²", "webcam:99999999999"],
)
def test_R_STR_2_another_index_is_refused_before_anything_is_opened(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "open", None)
    with pytest.raises(SourceRefusedError) as refused:
        checked_source(text, ALLOWED)
    assert refused.value.code == "source_refused"
    assert "streams.webcams" in refused.value.detail
    with pytest.raises(SourceRefusedError):
        checked_source("webcam:0", SourceRules())


def frames_of(text: str, count: int) -> list[Any]:
    with VideoReader(checked_source(text, ALLOWED), ALLOWED) as reader:
        frames = []
        for frame in reader.frames():
            frames.append(frame)
            if len(frames) == count:
                break
        return frames


def test_R_STR_2_frames_of_a_device_come_as_of_any_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg's test picture is a device like a camera's, opened by the same call."""
    monkeypatch.setattr(
        reading_module, "webcam", lambda index: Device(f"testsrc=size={64 + index}x48:rate=30", "lavfi")
    )
    frames = frames_of("webcam:0", 5)
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[0].pixels.shape == (48, 64, 3)
    assert frames_of("7", 1)[0].pixels.shape == (48, 71, 3)
    assert frames[0].pixels.max() > 200


@pytest.mark.parametrize("device", [Device("/nowhere/video0", "v4l2"), Device("testsrc=size=nonsense", "lavfi")])
def test_R_STR_4_a_camera_that_is_not_there_is_a_lost_source(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_module, "webcam", lambda _: device)
    with pytest.raises(SourceLostError, match="webcam 0 cannot be read"):
        frames_of("webcam:0", 1)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[DeviceInfo]], None]:
    def be(devices: list[DeviceInfo]) -> None:
        monkeypatch.setattr(webcams_module, "enumerate_input_devices", {"dshow": devices}.__getitem__)

    return be


def test_R_STR_2_each_system_has_its_own_name_for_a_camera(connected: Callable[[list[DeviceInfo]], None]) -> None:
    assert webcam(2, "linux") == Device("/dev/video2", "v4l2")
    assert webcam(1, "darwin") == Device("1:none", "avfoundation")
    microphone = DeviceInfo("Microphone", "", False, ["audio"])
    connected([microphone, DeviceInfo("@device_a", "One", False, ["video"])])
    assert webcam(0, "win32") == Device("video=@device_a", "dshow")
    with pytest.raises(SourceLostError, match="There is no webcam 1: 1 are connected"):
        webcam(1, "win32")
