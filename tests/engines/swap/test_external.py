"""External engines: every way in which the three programs end, by faithful fakes of their command lines."""

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from lianpu.engines.face.face import Box, Image
from lianpu.engines.image import decode_image, encode_jpeg
from lianpu.engines.swap.swapper import Readiness, SwapCancelled, SwapFaces
from lianpu.errors import (
    LianpuError,
    SwapCrashedError,
    SwapDiskFullError,
    SwapEngineNotReadyError,
    SwapFaceNotFoundError,
    SwapNoOutputError,
    SwapOutOfMemoryError,
    SwapOutputInvalidError,
    SwapTimedOutError,
    SwapUnchangedError,
    SwapUnsupportedError,
)
from tests.engines.swap.conftest import Bench, Checkout, Installation, write_clip

pytestmark = pytest.mark.slow

ENGINES = ("facefusion", "deep-live-cam", "iroop")
MakeCheckout = Callable[[str], Checkout]


@pytest.fixture(params=[ENGINES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in ENGINES[1:])])
def checkout(request: pytest.FixtureRequest, make_checkout: MakeCheckout, installation: Installation) -> Checkout:
    made = make_checkout(request.param)
    installation.integrate(**{made.name.replace("-", "_"): made.table})
    return made


def test_R_SWP_1_success_gives_the_checked_output_and_leaves_nothing_else(
    checkout: Checkout, installation: Installation, bench: Bench, source_jpeg: bytes, target_jpeg: bytes
) -> None:
    job = bench.job(source_jpeg, target_jpeg)
    result = bench.run(installation.engines, checkout.name, job)
    assert (result.engine, result.faces_swapped, result.frames) == (checkout.name, 1, 1)
    assert result.provider == "CPUExecutionProvider"
    assert result.version == {"facefusion": "3.8.1", "deep-live-cam": "2.1.5", "iroop": "1.3.0"}[checkout.name]
    made, before = decode_image(job.output.read_bytes()).pixels, decode_image(target_jpeg).pixels
    assert made.shape == before.shape
    assert np.abs(made[110:230, 80:200].astype(int) - before[110:230, 80:200]).mean() > 10
    assert bench.left == ["output.jpg"]
    assert checkout.alive == []
    shares = [share for share, _ in bench.progress]
    assert shares == sorted(shares)
    assert any(0 < share < 0.95 for share in shares), "the program's own progress is passed on"
    assert shares[-1] == 1.0


def test_R_SWP_1_program_gets_a_group_a_folder_and_an_environment_of_its_own(
    checkout: Checkout,
    installation: Installation,
    bench: Bench,
    source_jpeg: bytes,
    target_jpeg: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LIANPU_SERVER__API_KEY", "a-secret-that-stays-here")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    bench.run(installation.engines, checkout.name, bench.job(source_jpeg, target_jpeg))
    (note,) = checkout.notes
    assert note["group"] == note["pid"]
    assert note["folder"] == str(checkout.folder)
    environment = note["environment"]
    assert environment["QT_QPA_PLATFORM"] == "offscreen"
    assert environment["TMPDIR"].startswith(str(bench.folder / "engine-"))
    assert not [name for name in environment if name.startswith(("LIANPU", "PYTHONPATH"))]
    # Programs key their temporary files by the target's name: no two runs share it, and none tells whose photo it was.
    target = Path(note["arguments"][note["arguments"].index("-t") + 1])
    assert target.name.startswith("target-")
    assert bench.folder in target.parents


@pytest.mark.parametrize("kind", ["no_face", "missing_model", "no_op", "no_output", "crash", "segfault", "memory"])
def test_R_SWP_1_a_run_that_did_not_swap_is_told_by_its_reason(
    kind: str, checkout: Checkout, installation: Installation, bench: Bench, source_jpeg: bytes, target_jpeg: bytes
) -> None:
    expected: dict[str, type[LianpuError]] = {
        "no_face": SwapFaceNotFoundError,
        "missing_model": SwapEngineNotReadyError,
        "no_op": SwapUnchangedError,
        "no_output": SwapNoOutputError,
        "crash": SwapCrashedError,
        "segfault": SwapCrashedError,
        "memory": SwapOutOfMemoryError,
    }
    checkout.order(mode=kind)
    job = bench.job(source_jpeg, target_jpeg, memory_limit_bytes=300 << 20)
    with pytest.raises(expected[kind]) as caught:
        bench.run(installation.engines, checkout.name, job)
    assert type(caught.value) is expected[kind]
    assert bench.left == []
    assert checkout.alive == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("garbage", SwapOutputInvalidError),
        ("short", SwapNoOutputError),
        ("other_size", SwapOutputInvalidError),
        ("disk_full", SwapDiskFullError),
    ],
)
def test_R_SWP_1_output_is_never_believed(
    kind: str,
    expected: type[LianpuError],
    checkout: Checkout,
    installation: Installation,
    bench: Bench,
    source_jpeg: bytes,
    target_jpeg: bytes,
) -> None:
    checkout.order(mode=kind)
    with pytest.raises(expected):
        bench.run(installation.engines, checkout.name, bench.job(source_jpeg, target_jpeg))
    assert bench.left == []
    assert checkout.alive == []


def test_R_SWP_1_a_program_that_hangs_is_ended_with_all_that_it_started(
    checkout: Checkout, installation: Installation, bench: Bench, source_jpeg: bytes, target_jpeg: bytes
) -> None:
    checkout.order(mode="hang")
    with pytest.raises(SwapTimedOutError):
        bench.run(installation.engines, checkout.name, bench.job(source_jpeg, target_jpeg, time_limit_s=3))
    assert len(checkout.notes) == 3, "the program, a child in its group and one in another session"
    assert checkout.alive == []
    assert bench.left == []


def test_R_SWP_1_cancelling_ends_the_program_with_all_that_it_started(
    checkout: Checkout, installation: Installation, bench: Bench, source_jpeg: bytes, target_jpeg: bytes
) -> None:
    checkout.order(mode="cancel")
    with pytest.raises(SwapCancelled):
        bench.run(
            installation.engines,
            checkout.name,
            bench.job(source_jpeg, target_jpeg),
            # Not before both children are there.
            cancelled=lambda: len(checkout.notes) == 3 and _seen_for_a_while(checkout),
        )
    assert checkout.alive == []
    assert bench.left == []


def _seen_for_a_while(checkout: Checkout) -> bool:
    return time.time() - (checkout.folder / "ran.jsonl").stat().st_mtime > 0.5


def test_R_SWP_1_children_that_outlive_their_program_are_ended(
    checkout: Checkout, installation: Installation, bench: Bench, source_jpeg: bytes, target_jpeg: bytes
) -> None:
    checkout.order(mode="orphan")
    with pytest.raises(LianpuError):
        bench.run(installation.engines, checkout.name, bench.job(source_jpeg, target_jpeg))
    assert len(checkout.notes) == 3
    assert checkout.alive == []


def test_R_SWP_1_photos_without_a_face_are_told_before_anything_runs(
    checkout: Checkout, installation: Installation, bench: Bench, source_jpeg: bytes, target_jpeg: bytes
) -> None:
    grey = encode_jpeg(np.full((400, 400, 3), 120, np.uint8))
    for source, target, told in ((grey, target_jpeg, "source"), (source_jpeg, grey, "target")):
        with pytest.raises(SwapFaceNotFoundError, match=told):
            bench.run(installation.engines, checkout.name, bench.job(source, target))
    assert checkout.notes == []


@pytest.mark.slow
def test_R_SWP_2_video_through_the_program(
    checkout: Checkout,
    installation: Installation,
    bench: Bench,
    source_jpeg: bytes,
    target_photo: Image,
    tmp_path: Path,
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [np.roll(target_photo, shift, axis=1) for shift in range(12)])
    job = bench.job(source_jpeg, clip.read_bytes(), ".mp4")
    result = bench.run(installation.engines, checkout.name, job)
    assert result.frames == 12
    for mode, error in (("half_length", SwapOutputInvalidError), ("no_op", SwapUnchangedError)):
        checkout.order(mode=mode)
        with pytest.raises(error):
            bench.run(installation.engines, checkout.name, bench.job(source_jpeg, clip.read_bytes(), ".mp4"))
    assert bench.left == ["output.mp4"], "of the run that succeeded"
    assert checkout.alive == []


def test_R_SWP_1_a_face_that_the_program_would_not_choose_is_refused(
    checkout: Checkout, installation: Installation, bench: Bench, source_jpeg: bytes, target_photo: Image
) -> None:
    smaller = cv2.resize(target_photo, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    both = np.zeros((target_photo.shape[0], target_photo.shape[1] + smaller.shape[1], 3), np.uint8)
    both[: smaller.shape[0], : smaller.shape[1]] = smaller
    both[:, smaller.shape[1] :] = target_photo
    right_small = SwapFaces(only=Box(0.0, 0.0, smaller.shape[1], smaller.shape[0]))
    wanted = right_small if checkout.name == "facefusion" else SwapFaces()
    with pytest.raises(SwapUnsupportedError, match="largest" if checkout.name == "facefusion" else "leftmost"):
        bench.run(installation.engines, checkout.name, bench.job(source_jpeg, encode_jpeg(both), faces=wanted))
    assert checkout.notes == []


def test_R_SWP_1_not_set_up_is_told_with_what_to_write(
    installation: Installation, bench: Bench, source_jpeg: bytes, target_jpeg: bytes
) -> None:
    for name in ENGINES:
        assert installation.engines.check(name).readiness is Readiness.NOT_INSTALLED
        with pytest.raises(SwapEngineNotReadyError, match=r"integrations\.toml"):
            bench.run(installation.engines, name, bench.job(source_jpeg, target_jpeg))
