"""Greedy non-maximum suppression."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def non_maximum_suppression(boxes: Floats, iou_threshold: float, pixel_extent: float = 0.0) -> NDArray[np.intp]:
    """Keep a box unless it overlaps a kept box before it by more than the threshold.

    Args:
        boxes: [n, 4] (x1, y1, x2, y2), best score first.
        iou_threshold: greatest intersection over union with a kept box, 0…1.
        pixel_extent: added to widths and heights; 1 counts the pixels of boxes whose corners are both inside, as
            InsightFace does.

    Returns:
        Indices of the kept boxes, ascending.
    """
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1 + pixel_extent) * (y2 - y1 + pixel_extent)
    remaining = np.arange(len(boxes))
    kept: list[int] = []
    while remaining.size:
        best, others = remaining[0], remaining[1:]
        kept.append(int(best))
        width = np.minimum(x2[best], x2[others]) - np.maximum(x1[best], x1[others]) + pixel_extent
        height = np.minimum(y2[best], y2[others]) - np.maximum(y1[best], y1[others]) + pixel_extent
        intersection = np.maximum(0, width) * np.maximum(0, height)
        union = areas[best] + areas[others] - intersection
        # Multiplied out, because boxes without area make the union 0.
        remaining = others[intersection <= iou_threshold * union]
    return np.array(kept, np.intp)
