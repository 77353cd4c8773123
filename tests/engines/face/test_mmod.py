"""MMOD's own decisions (how much to enlarge, how much to run at once) and the dlib engines' odd inputs; no weights."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.engines.face.dlib_embedder import DlibEmbedder, extract_chip
from lianpu.engines.face.face import Box, Landmarks, LandmarkScheme
from lianpu.engines.face.landmarks import Dlib5Landmarks
from lianpu.engines.face.mmod import MmodDetector
from lianpu.engines.face.mmod_pyramid import lay_out
from lianpu.errors import FaceNotFoundError, InvalidInputError, PackDamagedError
from lianpu.runtime.session import TensorSpec


class CentreSession:
    """Stands in for the network: a cell scores 1 where the pixel at its centre is white, else -1."""

    provider = "none"
    inputs = (TensorSpec("images", "float32", (None, 3, None, None)),)
    outputs = (TensorSpec("scores", "float32", (None, 1, None, None)),)

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> list[NDArray[np.float32]]:
        images = feeds["images"]
        self.shapes.append(images.shape)
        rows, columns = ((side - 29) // 8 + 1 for side in images.shape[2:])
        centres = images[:, :, 14 : 8 * rows + 14 : 8, 14 : 8 * columns + 14 : 8]
        white = centres.astype(np.float32).min(axis=1, keepdims=True) >= 254.5
        return [np.where(white, np.float32(1), np.float32(-1))]


@pytest.mark.parametrize(
    ("width", "height", "smallest_face_px", "expected"),
    [
        (800, 500, 40, 2.0),
        (801, 500, 40, 1.0),
        (1600, 1000, 40, 1.0),
        (4000, 3000, 40, (1.6 / 12) ** 0.5),
        (200, 100, 80, 1.0),
        (200, 100, 160, 0.5),
        (200, 100, 64, 1.25),
    ],
)
def test_R_LIB_11_small_photos_are_enlarged_and_large_ones_shrunk(
    width: int, height: int, smallest_face_px: int, expected: float
) -> None:
    detector = MmodDetector(CentreSession(), smallest_face_px=smallest_face_px)
    image = np.broadcast_to(np.uint8(0), (height, width, 3))
    assert detector.upsample_for(image) == pytest.approx(expected)


@pytest.mark.parametrize(("width", "height"), [(4000, 3000), (6000, 4000), (20000, 900)])
def test_R_LIB_11_a_photo_of_any_size_is_run_within_the_budget(width: int, height: int) -> None:
    session = CentreSession()
    MmodDetector(session).detect(np.zeros((height, width, 3), dtype=np.uint8))
    assert sum(rows * columns for *_, rows, columns in session.shapes) < 4.2 * 1_600_000


def test_R_LIB_11_one_run_never_takes_more_than_its_share() -> None:
    session, image = CentreSession(), np.zeros((900, 700, 3), dtype=np.uint8)
    MmodDetector(session, max_canvas_pixels=400_000).detect_at(image, 1)
    assert len(session.shapes) > 3
    assert max(rows * columns for *_, rows, columns in session.shapes) <= 400_000


@pytest.mark.parametrize("max_canvas_pixels", [8_000_000, 300_000])
def test_R_LIB_11_a_cell_becomes_the_window_around_its_centre(max_canvas_pixels: int) -> None:
    image = np.zeros((600, 400, 3), dtype=np.uint8)
    # The canvas has a margin of 11: column 115 is canvas column 126 = 8 * 14 + 14, row 203 is 214 = 8 * 25 + 14.
    image[203, 115] = 255
    detector = MmodDetector(CentreSession(), max_canvas_pixels=max_canvas_pixels)
    (face,) = detector.detect_at(image, 1)
    # Half-way coordinates are rounded away from zero, as dlib does: 75.5 to 76, and 154.5 to 155, its last pixel.
    assert face.box == Box(76, 164, 156, 244)
    assert face.score == 1.0


def test_R_LIB_11_overlapping_windows_are_one_face() -> None:
    image = np.zeros((300, 300, 3), dtype=np.uint8)
    image[100:112, 100:112] = 255
    assert len(MmodDetector(CentreSession()).detect_at(image, 1)) == 1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 200), (200, 3), (28, 28), (0, 10)])
@pytest.mark.parametrize("upsample", [0.3, 1.0, 1.5, 2.0])
def test_R_LIB_11_tiny_images_are_no_error(width: int, height: int, upsample: float) -> None:
    image = np.zeros((height, width, 3), dtype=np.uint8)
    assert MmodDetector(CentreSession()).detect_at(image, upsample) == []


@pytest.mark.parametrize(("width", "height"), [(640, 480), (200, 900), (1280, 300), (1, 1), (4000, 30)])
def test_R_LIB_11_pyramid_levels_shrink_and_never_touch(width: int, height: int) -> None:
    pyramid = lay_out(width, height)
    covered = np.zeros((pyramid.height, pyramid.width), dtype=int)
    for index, level in enumerate(pyramid.levels):
        covered[level.y : level.y + level.height, level.x : level.x + level.width] += 1
        if index:
            above = pyramid.levels[index - 1]
            assert (level.width, level.height) == (above.width * 5 // 6, above.height * 5 // 6)
    assert covered.max() == 1
    assert covered.sum() == sum(level.width * level.height for level in pyramid.levels)


def test_R_LIB_11_landmarks_of_another_scheme_are_refused() -> None:
    faces = [Landmarks(LandmarkScheme.ARCFACE5, np.zeros((5, 2), dtype=np.float32))]
    with pytest.raises(InvalidInputError, match="dlib5 landmarks, not arcface5"):
        DlibEmbedder(CentreSession()).embed(np.zeros((9, 9, 3), dtype=np.uint8), faces)


def test_R_LIB_11_landmarks_that_coincide_are_refused() -> None:
    face = Landmarks(LandmarkScheme.DLIB5, np.full((5, 2), 3.3, dtype=np.float32))
    with pytest.raises(FaceNotFoundError, match="coincide"):
        extract_chip(np.zeros((9, 9, 3), dtype=np.uint8), face)


@pytest.mark.parametrize("scale", [1, 50, 3000])
@pytest.mark.parametrize("centre", [(-9000, -9000), (-100, 20), (9000, 9000)])
def test_R_LIB_11_a_face_wholly_outside_is_a_black_chip(scale: float, centre: tuple[float, float]) -> None:
    upright = np.array([(0.4, -0.2), (0.18, -0.18), (-0.4, -0.2), (-0.18, -0.18), (0, 0.25)]) * scale
    points = (upright + np.sign(centre) * 2 * scale + centre).astype(np.float32)
    chip = extract_chip(np.full((64, 48, 3), 255, dtype=np.uint8), Landmarks(LandmarkScheme.DLIB5, points))
    assert chip.shape == (150, 150, 3)
    assert not chip.any()


def test_R_INF_5_landmark_files_that_are_damaged_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "landmarks.npz"
    with pytest.raises(PackDamagedError, match=r"landmarks\.npz is damaged"):
        Dlib5Landmarks(path)
    for data in (b"", b"no archive", b"PK\x03\x04 cut off"):
        path.write_bytes(data)
        with pytest.raises(PackDamagedError, match=r"landmarks\.npz is damaged"):
            Dlib5Landmarks(path)
    names = ("initial", "anchors", "deltas", "first", "second", "thresholds", "leaves")
    np.savez(path, allow_pickle=False, **{name: np.zeros((2, 3)) for name in names})
    with pytest.raises(PackDamagedError, match="do not fit each other"):
        Dlib5Landmarks(path)
    np.savez(path, initial=np.array([None]))
    with pytest.raises(PackDamagedError, match=r"landmarks\.npz is damaged"):
        Dlib5Landmarks(path)
