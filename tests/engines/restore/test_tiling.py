"""Tiles: they cover every photo, fade into each other, and leave no trace."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lianpu.engines.restore.engine import Upscaler
from lianpu.engines.restore.tiling import enlarge, interpolate, tile_axis, tile_pixels


@dataclass(frozen=True)
class Repeating:
    """Repeats pixels: what a tile gives at a place does not depend on the tile."""

    scales: tuple[int, ...] = (2,)
    tile_px: int = 64
    has_fixed_tiles: bool = False
    overlap_px: int = 16

    def enlarge(self, tile: NDArray[np.uint8], scale: int) -> NDArray[np.float32]:
        assert max(tile.shape[:2]) <= self.tile_px
        if self.has_fixed_tiles:
            assert tile.shape[:2] == (self.tile_px, self.tile_px)
        return tile.repeat(scale, axis=0).repeat(scale, axis=1).astype(np.float32)


class OneTile:
    """An upscaler that takes the whole photo at once, with the same edges."""

    def __init__(self, network: Upscaler, side: int) -> None:
        self._network = network
        self.scales, self.overlap_px = network.scales, network.overlap_px
        self.tile_px, self.has_fixed_tiles = side, False

    def enlarge(self, tile: NDArray[np.uint8], scale: int) -> NDArray[np.float32]:
        return self._network.enlarge(tile, scale)


def quiet(_: float) -> None:
    pass


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from([1, 2, 3, 4]), st.booleans(), st.integers(8, 16))
def test_R_ENH_3_tiles_of_any_photo_come_together_to_the_whole(
    height: int, width: int, scale: int, fixed: bool, overlap: int
) -> None:
    upscaler = Repeating(scales=(scale,), has_fixed_tiles=fixed, overlap_px=overlap)
    image = np.random.default_rng(height * width).integers(0, 255, (height, width, 3), dtype=np.uint8)
    shares: list[float] = []
    result = enlarge(image, scale, upscaler, shares.append)
    np.testing.assert_array_equal(result, image.repeat(scale, axis=0).repeat(scale, axis=1))
    assert shares == sorted(shares)
    assert shares[-1] == 1
    across, down = tile_axis(width, upscaler), tile_axis(height, upscaler)
    assert len(shares) == across.count * down.count
    assert tile_pixels(width, height, upscaler) == len(shares) * across.side * down.side


def test_R_ENH_3_a_scale_that_no_network_has_is_reached_by_area_or_interpolation() -> None:
    image = np.full((50, 70, 3), 93, np.uint8)
    image[10:30, 20:40] = 201
    for scale in (1, 2, 8):
        result = enlarge(image, scale, Repeating(scales=(4,)), quiet)
        assert result.shape == (50 * scale, 70 * scale, 3)
        inner = result[13 * scale : 27 * scale, 23 * scale : 37 * scale]
        assert (inner == 201).all()
    np.testing.assert_array_equal(enlarge(image, 1, Repeating(scales=(4,)), quiet), image)


def gradient() -> NDArray[np.uint8]:
    y, x = np.mgrid[:200, :300]
    return np.stack([x * 255 / 300, y * 255 / 200, (x + y) * 255 / 500], axis=2).astype(np.uint8)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("kind", ["gradient", "photo"])
def test_R_ENH_3_tiled_equals_untiled_without_seams(
    kind: str, scale: int, compact: Upscaler, astronaut: NDArray[np.uint8]
) -> None:
    image = gradient() if kind == "gradient" else np.ascontiguousarray(astronaut[60:260, 100:400])
    tiled = OneTile(compact, 96)
    assert tile_axis(300, tiled).count > 3
    cut = enlarge(image, scale, tiled, quiet).astype(np.int16)
    whole = enlarge(image, scale, OneTile(compact, 512), quiet).astype(np.int16)
    difference = np.abs(cut - whole)
    assert difference.mean() < 1
    # A seam is a step between neighbouring columns that the whole does not have, all along the edge of a tile.
    steps = np.abs(np.diff(cut, axis=1) - np.diff(whole, axis=1)).mean(axis=(0, 2))
    assert steps.max() < 1.5
    steps = np.abs(np.diff(cut, axis=0) - np.diff(whole, axis=0)).mean(axis=(1, 2))
    assert steps.max() < 1.5


def test_R_ENH_3_without_blank_edges_tiles_would_show(compact: Upscaler) -> None:
    """The test of seams can fail: tiles cut hard, side by side, do leave steps on a gradient."""
    image = gradient()
    whole = enlarge(image, 2, OneTile(compact, 512), quiet).astype(np.int16)
    hard = np.empty_like(whole)
    for top in range(0, 200, 50):
        for left in range(0, 300, 50):
            tile = compact.enlarge(np.ascontiguousarray(image[top : top + 50, left : left + 50]), 2)
            hard[2 * top : 2 * top + 100, 2 * left : 2 * left + 100] = np.rint(tile)
    steps = np.abs(np.diff(hard, axis=1) - np.diff(whole, axis=1)).mean(axis=(0, 2))
    assert steps.max() > 1.5


def test_R_ENH_3_interpolation_keeps_a_photo_in_its_place(astronaut: NDArray[np.uint8]) -> None:
    enlarged = interpolate(astronaut, 2)
    back = cv2.resize(enlarged, (512, 512), interpolation=cv2.INTER_AREA)
    assert np.abs(back.astype(int) - astronaut.astype(int)).mean() < 2
    np.testing.assert_array_equal(interpolate(astronaut, 1), astronaut)
