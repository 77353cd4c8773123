"""What a classifier sees: sizes, crops, channel order and normalisation, against the definition in plain numpy."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lianpu.engines.classify.preparation import Layout, Preparation, Resize, fit, prepare


def gradient(height: int, width: int) -> NDArray[np.uint8]:
    """Red grows to the right, green downwards, blue is 7."""
    image = np.full((height, width, 3), 7, np.uint8)
    image[:, :, 0] = np.arange(width)
    image[:, :, 1] = np.arange(height)[:, None]
    return image


def test_R_INF_4_values_are_scaled_then_normalised_in_the_order_of_the_channels() -> None:
    image = gradient(4, 4)
    preparation = Preparation(4, 4, colour="bgr", scale=0.5, mean=(1.0, 2.0, 3.0), std=(2.0, 4.0, 8.0))
    tensor = prepare(image, preparation)
    assert (tensor.shape, tensor.dtype, tensor.flags.c_contiguous) == ((1, 3, 4, 4), np.float32, True)
    for place, (channel, mean, std) in enumerate(((2, 1, 2), (1, 2, 4), (0, 3, 8))):
        np.testing.assert_allclose(tensor[0, place], (image[:, :, channel] * 0.5 - mean) / std, rtol=1e-6)


def test_R_INF_4_nhwc_is_the_same_with_the_channels_last() -> None:
    image = gradient(6, 5)
    nchw = prepare(image, Preparation(6, 5, mean=(1, 2, 3)))
    nhwc = prepare(image, Preparation(6, 5, mean=(1, 2, 3), layout=Layout.NHWC))
    np.testing.assert_array_equal(nhwc, nchw.transpose(0, 2, 3, 1))
    assert nhwc.flags.c_contiguous


def test_R_INF_4_crop_takes_the_centre_in_the_proportions_of_the_input() -> None:
    image = gradient(100, 200)
    np.testing.assert_array_equal(fit(image, Preparation(100, 100)), image[:, 50:150])
    np.testing.assert_array_equal(fit(image, Preparation(50, 50, crop_ratio=0.5)), image[25:75, 75:125])
    # Twice as wide as high: all of it.
    scaled = cv2.resize(image, (100, 50), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(fit(image, Preparation(50, 100)), scaled)


def test_R_INF_4_stretch_keeps_everything_and_letterbox_the_proportions() -> None:
    image = gradient(100, 200)
    stretched = fit(image, Preparation(50, 50, resize=Resize.STRETCH))
    np.testing.assert_array_equal(stretched, cv2.resize(image, (50, 50), interpolation=cv2.INTER_AREA))
    boxed = fit(image, Preparation(50, 50, resize=Resize.LETTERBOX))
    assert not boxed[:12].any()
    assert not boxed[37:].any()
    np.testing.assert_array_equal(boxed[12:37], cv2.resize(image, (50, 25), interpolation=cv2.INTER_AREA))
    assert boxed[12:37, :, 2].min() == 7


def test_R_INF_4_small_images_are_enlarged_smoothly() -> None:
    image = gradient(10, 10)
    enlarged = fit(image, Preparation(40, 40))
    np.testing.assert_array_equal(enlarged, cv2.resize(image, (40, 40), interpolation=cv2.INTER_LINEAR))


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    to_height=st.integers(1, 40),
    to_width=st.integers(1, 40),
    resize=st.sampled_from(Resize),
    ratio=st.floats(0.01, 1),
)
def test_R_INF_4_every_image_fits_every_input(
    height: int, width: int, to_height: int, to_width: int, resize: Resize, ratio: float
) -> None:
    image = np.full((height, width, 3), 200, np.uint8)
    fitted = fit(image, Preparation(to_height, to_width, resize=resize, crop_ratio=ratio))
    assert (fitted.shape, fitted.dtype) == ((to_height, to_width, 3), np.uint8)
    assert fitted.max() == 200
    assert resize is Resize.LETTERBOX or fitted.min() == 200


@pytest.mark.parametrize("resize", list(Resize))
def test_R_INF_4_a_strip_of_one_pixel_takes_no_memory(resize: Resize) -> None:
    strip = np.full((1, 16_000, 3), 9, np.uint8)
    assert fit(strip, Preparation(227, 227, resize=resize)).shape == (227, 227, 3)
