"""R-SWP 2 and 4: a labelled video is as long as it was, sounds as it did, and shows its label on every frame."""

import io
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest

from lianpu.engines.image import ImageLimits, decode_image
from lianpu.engines.provenance.labelling import Labeller, Video
from lianpu.engines.provenance.manifest import ManifestSigner
from lianpu.engines.provenance.origin import DigitalSource, LabelKind, Origin
from lianpu.engines.provenance.signing_key import make_credentials
from lianpu.engines.provenance.verification import Conclusion, Verifier
from lianpu.engines.provenance.visible_label import FOUND_LEAST, VisibleLabel
from lianpu.engines.swap.swapper import SwapCancelled
from lianpu.errors import VideoDamagedError
from lianpu.provenance.assembly import _rewrite

ORIGIN = Origin(DigitalSource.SWAP, 0xFEDCBA9876543210, "Lianpu", "landmark", "1")
FRAMES = 15
RATE = 44_100


@pytest.fixture(scope="module")
def sounding(astronaut_photo: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of video with a tone of 440 Hz."""
    pixels = decode_image(astronaut_photo).pixels[:360, :480]
    path = tmp_path_factory.mktemp("video") / "sounding.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FRAMES)
        video.width, video.height, video.pix_fmt = 480, 360, "yuv420p"
        sound = container.add_stream("aac", rate=RATE)
        for number in range(FRAMES):
            moved = np.ascontiguousarray(np.roll(pixels, number, axis=1))
            container.mux(video.encode(av.VideoFrame.from_ndarray(moved, format="rgb24")))
        container.mux(video.encode(None))
        tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
        for start in range(0, RATE, 1024):
            frame = av.AudioFrame.from_ndarray(tone[None, start : start + 1024].copy(), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


def sound_of(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_R_SWP_2_sound_and_times_are_kept_and_every_frame_is_labelled(sounding: Path, tmp_path: Path) -> None:
    credentials = make_credentials("a test", datetime.now(UTC))
    target = tmp_path / "out"
    made = Labeller(lambda: ManifestSigner(credentials), _rewrite).label(Video(sounding), target, ORIGIN, visible=True)
    assert set(made.labels) == set(LabelKind)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert sound_of(target.read_bytes()) == sound_of(sounding.read_bytes())
    with av.open(str(sounding)) as before, av.open(str(target), format="mp4") as after:
        times = [float(frame.time or 0) for frame in before.decode(video=0)]
        frames = list(after.decode(video=0))
    assert [float(frame.time or 0) for frame in frames] == pytest.approx(times, abs=1e-3)
    label = VisibleLabel()
    assert all(label.find(frame.to_ndarray(format="rgb24")) >= FOUND_LEAST for frame in frames)
    report = Verifier(credentials.anchor, ImageLimits()).verify(target)
    assert (report.conclusion, set(report.survived)) == (Conclusion.INTACT, set(LabelKind))
    assert report.marks == [ORIGIN.mark]
    # Encoded anew, as a platform does: what is in the pixels stays.
    again = tmp_path / "again.mp4"
    _rewrite(target, again, lambda picture: picture)
    report = Verifier(credentials.anchor, ImageLimits()).verify(again)
    assert report.conclusion is Conclusion.ALTERED
    assert {LabelKind.VISIBLE, LabelKind.WATERMARK} <= set(report.survived)


def test_R_SWP_2_labelling_can_be_stopped_and_leaves_nothing(sounding: Path, tmp_path: Path) -> None:
    credentials = make_credentials("a test", datetime.now(UTC))
    labeller = Labeller(lambda: ManifestSigner(credentials), _rewrite)
    with pytest.raises(SwapCancelled):
        labeller.label(Video(sounding), tmp_path / "out", ORIGIN, visible=True, cancelled=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_R_SWP_4_what_is_no_video_is_told(tmp_path: Path) -> None:
    credentials = make_credentials("a test", datetime.now(UTC))
    for content in (b"", b"no video", b"\0\0\0\x18ftypmp42" + bytes(100)):
        (tmp_path / "f").write_bytes(content)
        with pytest.raises(VideoDamagedError):
            Verifier(credentials.anchor, ImageLimits()).verify(tmp_path / "f")
