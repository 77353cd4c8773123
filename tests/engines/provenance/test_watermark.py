"""R-SWP 4: the hidden id is read back after what pictures go through, and never read where there is none."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lianpu.engines.image import decode_image, encode_jpeg
from lianpu.engines.provenance.error_correction import CODE_BITS, decode, encode
from lianpu.engines.provenance.watermark import SHORTEST_SIDE_PX, FrameMark, embed, read

MARK = 0x3F2A9C0D5B7E1846
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module", params=["astronaut", "t1"])
def picture(request: pytest.FixtureRequest, astronaut_photo: bytes, t1_photo: bytes) -> Pixels:
    return decode_image(astronaut_photo if request.param == "astronaut" else t1_photo).pixels


@pytest.fixture(scope="module")
def marked(picture: Pixels) -> Pixels:
    made, is_kept = embed(picture, MARK)
    assert is_kept
    return made


def jpeg(quality: int) -> Callable[[Pixels], Pixels]:
    return lambda pixels: decode_image(encode_jpeg(pixels, quality)).pixels


def resized(share: float) -> Callable[[Pixels], Pixels]:
    method = cv2.INTER_AREA if share < 1 else cv2.INTER_CUBIC
    return lambda pixels: np.asarray(cv2.resize(pixels, None, fx=share, fy=share, interpolation=method), np.uint8)


def cropped(pixels: Pixels) -> Pixels:
    """To nine tenths each way, off the middle."""
    height, width = pixels.shape[:2]
    top, left = round(0.07 * height), round(0.02 * width)
    return np.ascontiguousarray(pixels[top : top + round(0.9 * height), left : left + round(0.9 * width)])


@pytest.mark.parametrize(
    "wear",
    [
        lambda pixels: pixels,
        jpeg(85),
        jpeg(70),
        jpeg(50),
        resized(0.5),
        resized(1.4),
        cropped,
        lambda pixels: jpeg(70)(cropped(pixels)),
        lambda pixels: jpeg(80)(resized(0.5)(pixels)),
    ],
    ids=["untouched", "jpeg85", "jpeg70", "jpeg50", "half", "larger", "cropped", "cropped+jpeg70", "half+jpeg80"],
)
def test_R_SWP_4_the_id_survives(marked: Pixels, wear: Callable[[Pixels], Pixels]) -> None:
    reading = read([wear(marked)])
    assert reading is not None
    assert reading.mark == MARK


def test_R_SWP_4_nobody_sees_the_id(picture: Pixels, marked: Pixels) -> None:
    difference = marked.astype(float) - picture
    peak_signal_to_noise_db = 10 * np.log10(255**2 / np.mean(difference**2))
    assert peak_signal_to_noise_db > 38
    assert np.abs(difference).max() <= 30


def test_R_SWP_4_no_id_is_read_where_there_is_none(picture: Pixels) -> None:
    for wear in (lambda pixels: pixels, jpeg(70), resized(0.5), cropped):
        assert read([wear(picture)]) is None
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    assert read([noise]) is None
    assert read([np.zeros((300, 400, 3), np.uint8)]) is None
    assert read([]) is None


def test_R_SWP_4_a_small_picture_keeps_its_id_and_a_tiny_one_is_refused(astronaut_photo: bytes) -> None:
    small = resized(SHORTEST_SIDE_PX / 512)(decode_image(astronaut_photo).pixels)
    made, is_kept = embed(small, MARK)
    assert is_kept
    reading = read([jpeg(70)(made)])
    assert reading is not None
    assert reading.mark == MARK
    with pytest.raises(ValueError, match="no room"):
        embed(resized(0.9)(small), MARK)


def test_R_SWP_4_where_there_is_nothing_to_hide_in_that_is_said() -> None:
    _, is_kept = embed(np.zeros((300, 300, 3), np.uint8), MARK)
    assert not is_kept


def test_R_SWP_4_frames_of_a_video_are_read_together(picture: Pixels) -> None:
    frames = [np.ascontiguousarray(np.roll(picture, shift, axis=1)) for shift in range(0, 40, 5)]
    label = FrameMark(MARK)
    reading = read([jpeg(40)(label.embed(frame)) for frame in frames])
    assert reading is not None
    assert reading.mark == MARK


@settings(deadline=None, max_examples=50)
@given(mark=st.integers(0, (1 << 64) - 1), seed=st.integers(0, 1000))
def test_R_SWP_4_the_code_mends_what_noise_did(mark: int, seed: int) -> None:
    signs = encode(mark)
    assert signs.shape == (CODE_BITS,)
    noisy = signs + np.random.default_rng(seed).normal(0, 0.6, CODE_BITS).astype(np.float32)
    assert np.any(np.sign(noisy) != signs)
    assert decode(noisy) == mark


@settings(deadline=None, max_examples=50)
@given(seed=st.integers(0, 10_000))
def test_R_SWP_4_noise_alone_is_no_id(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 1, CODE_BITS).astype(np.float32)
    # By a CRC of 16 bits one in 65,536 is: none of these.
    assert decode(noise) is None
