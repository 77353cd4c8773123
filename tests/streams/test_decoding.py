"""What decodes: the device that was asked for where it works, else software, which says why."""

from pathlib import Path

import numpy as np
import pytest
from av.codec.hwaccel import hwdevices_available

from lianpu.streams import decoding, reading
from lianpu.streams.addresses import SourceRules, checked_source
from lianpu.streams.decoding import AUTO, OFF, PREFERRED, SOFTWARE, Decoder, HardwareDecoding, problem_of
from lianpu.streams.reading import VideoReader
from tests.streams.clips import made_clip

FRAMES = 20
ABSENT = "abacus"


@pytest.fixture
def rules(tmp_path: Path) -> SourceRules:
    (tmp_path / "clip.mp4").write_bytes(made_clip("mp4", FRAMES))
    return SourceRules(folders=(tmp_path,))


def decoded(rules: SourceRules, hardware: HardwareDecoding | None) -> tuple[Decoder, np.ndarray]:
    with VideoReader(checked_source("clip.mp4", rules), rules, paced=False, hardware=hardware) as reader:
        pixels = np.stack([frame.pixels for frame in reader.frames()])
        assert reader.decoder is not None
        return reader.decoder, pixels


def test_R_STR_2_software_decodes_where_nothing_else_is_asked_for(rules: SourceRules) -> None:
    for hardware in (None, HardwareDecoding(OFF)):
        decoder, pixels = decoded(rules, hardware)
        assert decoder == Decoder("h264", SOFTWARE, None)
        assert pixels.shape == (FRAMES, 120, 160, 3)


def test_R_STR_2_an_absent_device_is_told_and_software_decodes(rules: SourceRules) -> None:
    decoder, pixels = decoded(rules, HardwareDecoding(ABSENT))
    assert (decoder.codec, decoder.device) == ("h264", SOFTWARE)
    assert decoder.notice is not None
    assert decoder.notice.startswith(f"{ABSENT}: this FFmpeg knows no such type of device")
    assert np.array_equal(pixels, decoded(rules, None)[1])


def test_R_STR_2_a_device_that_ffmpeg_knows_and_this_machine_lacks_is_told(
    rules: SourceRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`drm` is in every build for Linux and decodes none of these codecs."""
    device = next((one for one in hwdevices_available() if problem_of(one) is not None), None)
    if device is None:
        pytest.skip("every device of this FFmpeg works here")
    decoder, _ = decoded(rules, HardwareDecoding(device))
    assert decoder.device == SOFTWARE
    assert (decoder.notice or "").startswith(f"{device}: ")


def test_R_STR_2_auto_takes_the_first_device_that_works_or_says_why_none_does(rules: SourceRules) -> None:
    working = [one for one in PREFERRED if problem_of(one) is None]
    decoder, pixels = decoded(rules, HardwareDecoding(AUTO))
    if working:
        assert decoder.device == working[0]
        # H.264 is exact; the way back from the device's own layout rounds.
        difference = pixels.astype(int) - decoded(rules, None)[1]
        assert np.abs(difference).max() <= 3
    else:
        assert decoder.device == SOFTWARE
        assert (decoder.notice or "").startswith("no hardware decoder works here (")


def test_R_STR_2_auto_asks_each_device_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def problem(device: str, here: object = None) -> str | None:
        asked.append(device)
        return None if device == "vaapi" else "not here"

    monkeypatch.setattr(decoding, "problem_of", problem)
    monkeypatch.setattr(decoding, "hwdevices_available", lambda: ["vaapi", "drm", "cuda"])
    hardware = HardwareDecoding(AUTO)
    assert [hardware.choice().device for _ in range(3)] == ["vaapi"] * 3
    assert asked == ["cuda", "vaapi"]


def test_R_STR_2_a_device_that_cannot_be_opened_any_more_gives_way(
    rules: SourceRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It worked when the server started."""
    if "cuda" not in hwdevices_available() or problem_of("cuda") is None:
        pytest.skip("needs an FFmpeg with CUDA on a machine without")
    monkeypatch.setattr(decoding, "problem_of", lambda *_: None)
    hardware = HardwareDecoding("cuda")
    assert hardware.choice().device == "cuda"
    decoder, pixels = decoded(rules, hardware)
    assert decoder.device == SOFTWARE
    assert (decoder.notice or "").startswith("cuda works no longer: ")
    assert np.array_equal(pixels, decoded(rules, None)[1])
    assert hardware.choice().device is None


def test_R_STR_2_a_video_that_the_device_cannot_decode_is_told(
    rules: SourceRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = next(
        (one for one in hwdevices_available() if problem_of(one) == "it decodes nothing in this FFmpeg"), None
    )
    if device is None:
        pytest.skip("every device of this FFmpeg decodes something")
    monkeypatch.setattr(decoding, "problem_of", lambda *_: None)
    decoder, pixels = decoded(rules, HardwareDecoding(device))
    assert decoder == Decoder("h264", SOFTWARE, f"{device} cannot decode this h264 video.")
    assert len(pixels) == FRAMES


def test_R_STR_4_a_source_that_fails_is_not_blamed_on_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"no video at all")
    rules = SourceRules(folders=(tmp_path,))
    opened: list[str | None] = []
    real = reading._open

    def counted(address: str, options: dict[str, str], device: str | None, **others: object) -> object:
        opened.append(device)
        return real(address, options, None, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "_open", counted)
    monkeypatch.setattr(reading, "problem_of", lambda *_: None)
    monkeypatch.setattr(decoding, "problem_of", lambda *_: None)
    hardware = HardwareDecoding("cuda")
    with pytest.raises(reading.SourceLostError):
        decoded(rules, hardware)
    assert opened == ["cuda"]
    assert hardware.choice().device == "cuda"
