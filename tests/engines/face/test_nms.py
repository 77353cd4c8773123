"""Non-maximum suppression against its definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lianpu.engines.face.face import Box
from lianpu.engines.face.nms import non_maximum_suppression

coordinates = st.integers(0, 30)
sides = st.integers(0, 20)


@given(st.lists(st.tuples(coordinates, coordinates, sides, sides), max_size=25), st.sampled_from([0.0, 0.3, 0.5, 1.0]))
def test_R_LIB_11_keeps_exactly_what_overlaps_no_kept_box(rows: list[tuple[int, ...]], threshold: float) -> None:
    boxes = np.array([(x, y, x + width, y + height) for x, y, width, height in rows], np.float32).reshape(-1, 4)
    expected: list[int] = []
    for index, corners in enumerate(boxes):
        box = Box(*map(float, corners))
        if all(box.iou(Box(*map(float, boxes[kept]))) <= threshold for kept in expected):
            expected.append(index)
    assert non_maximum_suppression(boxes, threshold).tolist() == expected


def test_R_LIB_11_pixel_extent_counts_both_corner_pixels() -> None:
    boxes = np.array([[0, 0, 9, 9], [5, 0, 14, 9]], np.float32)  # 10 px wide, 5 shared: 50 of 150
    assert non_maximum_suppression(boxes, 0.34, pixel_extent=1.0).tolist() == [0, 1]
    assert non_maximum_suppression(boxes, 0.33, pixel_extent=1.0).tolist() == [0]
    assert non_maximum_suppression(boxes, 0.30).tolist() == [0, 1], "without it 36 of 126 are shared"
