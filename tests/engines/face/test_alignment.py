"""ArcFace alignment against scikit-image and InsightFace."""

import math
import warnings

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianpu.engines.face.alignment import ARCFACE_TEMPLATE, align, arcface_template, estimate_similarity
from lianpu.engines.face.face import Landmarks, LandmarkScheme
from lianpu.errors import FaceNotFoundError, PackInvalidError

points = st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=5, max_size=5)


@given(st.floats(-180, 180), st.floats(0.05, 20), st.floats(-2000, 2000), st.floats(-2000, 2000))
def test_R_LIB_11_similarity_recovers_a_known_transform(angle: float, scale: float, x: float, y: float) -> None:
    cosine, sine = scale * math.cos(math.radians(angle)), scale * math.sin(math.radians(angle))
    expected = np.array([[cosine, -sine, x], [sine, cosine, y]])
    target = ARCFACE_TEMPLATE @ expected[:, :2].T + expected[:, 2]
    assert estimate_similarity(ARCFACE_TEMPLATE, target.astype(np.float32)) == pytest.approx(expected, abs=2e-3)


@given(points)
def test_R_LIB_11_similarity_equals_scikit_image(five: list[tuple[float, float]]) -> None:
    transform = pytest.importorskip("skimage.transform")
    source = np.array(five, np.float32)
    if np.ptp(source, axis=0).max() < 1:
        return
    reference = transform.SimilarityTransform.from_estimate(source, ARCFACE_TEMPLATE)
    if not reference:
        return
    ours = estimate_similarity(source, ARCFACE_TEMPLATE)
    if np.linalg.det(ours[:, :2]) < 1e-6:  # mirrored points: no rotation is best, any is as good
        return
    assert ours == pytest.approx(reference.params[:2], rel=1e-3, abs=1e-3)


def test_R_LIB_11_crops_equal_insightface(photos: dict[str, np.ndarray]) -> None:
    face_align = pytest.importorskip("insightface.utils.face_align")
    generator = np.random.default_rng(1)
    image = photos["t1.jpg"]
    for _ in range(20):
        centre, spread = generator.uniform(100, 800, 2), generator.uniform(0.5, 4)
        five = ((ARCFACE_TEMPLATE - 56) * spread + centre + generator.normal(0, 3, (5, 2))).astype(np.float32)
        for size in (112, 224, 128, 256):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # InsightFace calls what scikit-image deprecates
                expected = face_align.norm_crop(image, five, size)
            crop = align(image, Landmarks(LandmarkScheme.ARCFACE5, five), size)
            assert np.abs(crop.astype(int) - expected.astype(int)).mean() < 0.05


def test_R_LIB_11_other_sizes_scale_the_template() -> None:
    assert arcface_template(112) == pytest.approx(ARCFACE_TEMPLATE)
    assert arcface_template(160) == pytest.approx(ARCFACE_TEMPLATE * 160 / 112)
    assert arcface_template(128) == pytest.approx(ARCFACE_TEMPLATE + np.array([8, 0]))


def test_R_LIB_11_points_land_on_the_template() -> None:
    image = np.zeros((300, 300, 3), np.uint8)
    matrix = np.array([[2.0, 0.5, 20], [-0.5, 2.0, 60]])
    five = (ARCFACE_TEMPLATE @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    for x, y in five:
        cv2.circle(image, (round(float(x)), round(float(y))), 5, (255, 255, 255), -1)
    crop = align(image, Landmarks(LandmarkScheme.ARCFACE5, five))
    for x, y in ARCFACE_TEMPLATE.round().astype(int):
        assert crop[y, x].tolist() == [255, 255, 255]


def test_R_LIB_6_landmarks_of_another_scheme_are_refused() -> None:
    with pytest.raises(PackInvalidError, match="dlib5"):
        align(np.zeros((9, 9, 3), np.uint8), Landmarks(LandmarkScheme.DLIB5, ARCFACE_TEMPLATE))


def test_R_LIB_11_landmarks_on_one_point_are_no_face() -> None:
    with pytest.raises(FaceNotFoundError):
        align(np.zeros((9, 9, 3), np.uint8), Landmarks(LandmarkScheme.ARCFACE5, np.full((5, 2), 3, np.float32)))
