"""The built-in engines on real faces: photos, videos with their times and sound, and what they refuse."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Box, Image
from lianpu.engines.image import decode_image, encode_jpeg, encode_png
from lianpu.engines.swap.example import example_pair
from lianpu.engines.swap.swapper import Readiness, SwapCancelled, SwapFaces
from lianpu.engines.swap.video import pictures, rewrite, video_facts
from lianpu.errors import (
    FaceNotFoundError,
    SwapDiskFullError,
    SwapFaceNotFoundError,
    SwapTargetInvalidError,
    SwapTimedOutError,
    SwapUnsupportedError,
)
from tests.engines.swap.conftest import FACE, Bench, Installation, write_clip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def moving(target_photo: Image) -> list[Image]:
    """Ten pictures in which the face moves to the right."""
    return [np.ascontiguousarray(np.roll(target_photo, 2 * shift, axis=1)) for shift in range(10)]


def _times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [frame.pts * frame.time_base for frame in container.decode(video=0)]


def _sound(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_R_SWP_1_landmark_swaps_the_face_and_leaves_the_rest(
    installation: Installation, bench: Bench, source_jpeg: bytes, target_photo: Image
) -> None:
    result = bench.run(
        installation.engines, "landmark", job := bench.job(source_jpeg, encode_png(target_photo), ".png")
    )
    assert (result.faces_swapped, result.frames, result.has_audio) == (1, 1, False)
    made = decode_image(job.output.read_bytes()).pixels
    difference = np.abs(made.astype(int) - target_photo).max(axis=2)
    left, top, right, bottom = FACE
    assert difference[top:bottom, left:right].mean() > 12
    assert difference[:60].max() == difference[:, -40:].max() == 0, "not a pixel away from the face is touched"
    assert bench.left == ["output.png"]


def test_R_SWP_1_landmark_says_when_a_head_is_turned_too_far(
    installation: Installation, bench: Bench, source_jpeg: bytes, target_photo: Image, testkit: Path
) -> None:
    ahead = bench.run(installation.engines, "landmark", bench.job(source_jpeg, encode_png(target_photo), ".png"))
    assert ahead.notes == ()
    [turned] = (testkit / "images/pose_rotate").rglob("right_face.png")
    photo = encode_png(decode_image(turned.read_bytes()).pixels)
    aside = bench.run(installation.engines, "landmark", bench.job(source_jpeg, photo, ".png"))
    assert [note for note in aside.notes if note.startswith("a head is turned 35 degrees aside")]


def test_R_SWP_1_landmark_makes_the_face_more_like_the_source(
    installation: Installation, dlib_pack: FaceAnalyzer, source_photo: Image, target_photo: Image
) -> None:
    engine = installation.engines.frames("landmark")
    made, boxes = engine.swap(engine.prepare(source_photo), target_photo, SwapFaces())
    assert len(boxes) == 1
    source, before, after = (
        dlib_pack.embed(photo, dlib_pack.detect(photo, max_faces=1))[0] for photo in (source_photo, target_photo, made)
    )
    assert np.linalg.norm(after - source) < 0.8 * np.linalg.norm(before - source)


def test_R_SWP_1_only_the_wanted_face_is_swapped(
    installation: Installation, dlib_pack: FaceAnalyzer, source_photo: Image, t1_photo: bytes
) -> None:
    photo = decode_image(t1_photo).pixels
    engine = installation.engines.frames("landmark")
    source = engine.prepare(source_photo)
    faces = dlib_pack.detect(photo)
    last = faces[-1].box
    made, boxes = engine.swap(source, photo, SwapFaces(only=last))
    assert boxes == [last]
    changed = np.abs(made.astype(int) - photo).max(axis=2) > 0
    assert changed[int(last.y1) + 10 : int(last.y2) - 10, int(last.x1) + 10 : int(last.x2) - 10].mean() > 0.5
    other = faces[0].box
    assert not changed[int(other.y1) : int(other.y2), int(other.x1) : int(other.x2)].any()
    _, every = engine.swap(source, photo, SwapFaces(all_faces=True))
    assert len(every) == len(faces) == 6
    _, nowhere = engine.swap(source, photo, SwapFaces(only=Box(0, 0, 40, 40)))
    assert list(nowhere) == []


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_R_SWP_2_video_keeps_times_sound_and_size(
    suffix: str, installation: Installation, bench: Bench, source_jpeg: bytes, moving: list[Image], tmp_path: Path
) -> None:
    # No steady rate: as phones and screen recorders write.
    times = [0, 40, 80, 200, 230, 300, 500, 540, 600, 900]
    clip = write_clip(tmp_path / f"clip{suffix}", moving, times_ms=times, sound=True)
    job = bench.job(source_jpeg, clip.read_bytes(), suffix)
    result = bench.run(installation.engines, "landmark", job)
    assert (result.frames, result.faces_swapped, result.has_audio) == (10, 1, True)
    assert [round(float(time), 3) for time in _times(job.output)] == [
        round(float(time), 3) for time in _times(job.target)
    ]
    assert _sound(job.output) == _sound(job.target), "the very packets"
    with av.open(str(job.output)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (284, 294)
    if suffix == ".mp4":
        data = job.output.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat"), "it starts to play before all of it has come"
    assert bench.left == [f"output{suffix}"]


def test_R_SWP_2_webm_stays_webm(
    installation: Installation, bench: Bench, source_jpeg: bytes, moving: list[Image], tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.webm", moving[:4], codec="libvpx-vp9")
    job = bench.job(source_jpeg, clip.read_bytes(), ".webm")
    assert bench.run(installation.engines, "landmark", job).frames == 4
    with av.open(str(job.output)) as container:
        assert container.streams.video[0].codec_context.name == "vp9"


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_R_SWP_2_video_that_its_player_turns_is_looked_at_upright(
    degrees: int, installation: Installation, bench: Bench, source_jpeg: bytes, moving: list[Image], tmp_path: Path
) -> None:
    with av.open(str(write_clip(tmp_path / "first.mp4", moving[:1], rotation=degrees))) as container:
        # FFmpeg: the angle by which a player turns the stored picture counter-clockwise.
        turned = round(next(container.decode(video=0)).rotation) % 360
    assert turned in {degrees, 360 - degrees}
    lying = [np.ascontiguousarray(np.rot90(picture, -turned // 90)) for picture in moving[:4]]
    clip = write_clip(tmp_path / "clip.mp4", lying, rotation=degrees)
    upright = next(iter(pictures(clip))).pixels
    assert np.abs(upright.astype(int) - moving[0]).mean() < 5
    job = bench.job(source_jpeg, clip.read_bytes(), ".mp4")
    assert bench.run(installation.engines, "landmark", job).faces_swapped == 1
    facts = video_facts(job.output)
    assert (facts.width, facts.height) == (284, 294)
    with av.open(str(job.output)) as container:
        assert next(container.decode(video=0)).rotation == 0


def test_R_SWP_2_odd_sizes_are_made_even_and_said(
    installation: Installation, bench: Bench, source_jpeg: bytes, moving: list[Image], tmp_path: Path
) -> None:
    odd = [picture[:-1, :-1] for picture in moving[:4]]
    clip = write_clip(tmp_path / "clip.mp4", odd)
    result = bench.run(installation.engines, "landmark", job := bench.job(source_jpeg, clip.read_bytes(), ".mp4"))
    facts = video_facts(job.output)
    assert (facts.width, facts.height) == (284, 294)
    assert any("283x293 became 284x294" in note for note in result.notes)


def test_R_SWP_2_a_face_named_in_the_first_picture_is_followed(
    installation: Installation, source_photo: Image, target_photo: Image
) -> None:
    engine = installation.engines.frames("landmark")
    # Two of them: the left one is wanted, and walks far beyond where it began.
    both = np.concatenate([np.zeros((294, 200, 3), np.uint8), target_photo, target_photo], axis=1)
    left = Box(FACE[0] + 200, FACE[1], FACE[2] + 200, FACE[3])
    swap = engine.follow(SwapFaces(only=left))
    source = engine.prepare(source_photo)
    for step in range(10):
        _, boxes = swap(source, np.ascontiguousarray(np.roll(both, -20 * step, axis=1)))
        assert len(boxes) == 1
        assert abs(boxes[0].x1 - (left.x1 - 20 * step)) < 25


def test_R_SWP_2_rewriting_leaves_pictures_as_they_were(moving: list[Image], tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", moving)
    rewrite(clip, tmp_path / "again.mp4", lambda picture: picture.pixels)
    for before, after in zip(pictures(clip), pictures(tmp_path / "again.mp4"), strict=True):
        difference = after.pixels.astype(int) - before.pixels
        assert np.abs(difference).mean() < 2.5
        assert abs(difference.mean()) < 0.3, "neither darker nor brighter"


def test_R_SWP_2_cancelling_and_time_end_a_video_and_leave_nothing(
    installation: Installation, bench: Bench, source_jpeg: bytes, moving: list[Image], tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", moving).read_bytes()
    with pytest.raises(SwapCancelled):
        bench.run(
            installation.engines,
            "landmark",
            bench.job(source_jpeg, clip, ".mp4"),
            cancelled=lambda: any(word == "swapping" for _, word in bench.progress),
        )
    assert bench.left == []
    with pytest.raises(SwapTimedOutError):
        bench.run(installation.engines, "landmark", bench.job(source_jpeg, clip, ".mp4", time_limit_s=0.01))
    assert bench.left == []


def test_R_SWP_2_no_face_in_source_or_target_is_said(
    installation: Installation, bench: Bench, source_jpeg: bytes, target_jpeg: bytes, tmp_path: Path
) -> None:
    grey = np.full((200, 200, 3), 120, np.uint8)
    still = write_clip(tmp_path / "clip.mp4", [grey] * 3).read_bytes()
    with pytest.raises(SwapFaceNotFoundError, match=r"[Ss]ource"):
        bench.run(installation.engines, "landmark", bench.job(encode_jpeg(grey), target_jpeg))
    for target, suffix in ((encode_jpeg(grey), ".jpg"), (still, ".mp4")):
        with pytest.raises(SwapFaceNotFoundError, match="target"):
            bench.run(installation.engines, "landmark", bench.job(source_jpeg, target, suffix))
    assert bench.left == []
    with pytest.raises(FaceNotFoundError):
        installation.engines.frames("landmark").prepare(grey)


@pytest.mark.parametrize(
    ("content", "suffix", "error"),
    [(b"no video at all", ".mp4", SwapTargetInvalidError), (b"", ".mp4", SwapTargetInvalidError)],
)
def test_R_SWP_2_what_is_no_video_is_refused(
    content: bytes,
    suffix: str,
    error: type[Exception],
    installation: Installation,
    bench: Bench,
    source_jpeg: bytes,
) -> None:
    with pytest.raises(error):
        bench.run(installation.engines, "landmark", bench.job(source_jpeg, content, suffix))
    assert bench.left == []


def test_R_SWP_2_a_kind_of_file_that_browsers_do_not_play_is_refused(
    installation: Installation, bench: Bench, source_jpeg: bytes, moving: list[Image], tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.avi", moving[:2])
    with pytest.raises(SwapUnsupportedError, match="mp4"):
        bench.run(installation.engines, "landmark", bench.job(source_jpeg, clip.read_bytes(), ".avi"))


def test_R_SWP_1_check_of_the_landmark_engine_swaps_the_drawn_pair(installation: Installation) -> None:
    report = installation.engines.check("landmark", deep=True)
    assert report.readiness is Readiness.READY
    assert [finding.name for finding in report.findings] == ["faces", "example"]
    source, target = example_pair()
    assert source.shape == target.shape == (576, 576, 3)


@pytest.mark.slow
def test_R_SWP_2_kit_video_end_to_end(
    testkit: Path, installation: Installation, bench: Bench, source_jpeg: bytes
) -> None:
    clip = (testkit / "videos" / "car_talking_1080p.mp4").read_bytes()
    result = bench.run(installation.engines, "landmark", job := bench.job(source_jpeg, clip, ".mp4"))
    assert result.frames == 24
    assert _times(job.output) == _times(job.target)
    no_face = (testkit / "videos" / "no_face_640x480.mp4").read_bytes()
    with pytest.raises(SwapFaceNotFoundError):
        bench.run(installation.engines, "landmark", bench.job(source_jpeg, no_face, ".mp4"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_R_SWP_2_a_full_disk_is_told_and_leaves_nothing(moving: list[Image], tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", moving)
    full = tmp_path / "full.mkv"
    full.symlink_to("/dev/full")
    with pytest.raises(SwapDiskFullError):
        rewrite(clip, full, lambda picture: picture.pixels)
    assert not full.is_symlink()
