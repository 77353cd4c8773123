"""Boxes, points and numbers of faces drawn on a photo."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.engines.face.face import Image

BOX_COLOUR = (46, 204, 113)
POINT_COLOUR = (255, 204, 0)


@dataclass(frozen=True, slots=True)
class DrawnFace:
    """What is drawn of a face; pixels of the photo."""

    x: float
    y: float
    width: float
    height: float
    points: Sequence[tuple[float, float]]
    label: str


def draw_faces(image: Image, faces: Sequence[DrawnFace]) -> Image:
    """A copy of the photo with a box, its points and a label for each face; lines grow with the photo."""
    canvas = np.ascontiguousarray(image).copy()
    stroke = max(1, round(max(canvas.shape[:2]) / 600))
    for face in faces:
        corner = (round(face.x), round(face.y))
        opposite = (round(face.x + face.width), round(face.y + face.height))
        cv2.rectangle(canvas, corner, opposite, BOX_COLOUR, stroke, cv2.LINE_AA)
        for x, y in face.points:
            cv2.circle(canvas, (round(x), round(y)), stroke + 1, POINT_COLOUR, cv2.FILLED, cv2.LINE_AA)
        if face.label:
            above = (corner[0], max(12 * stroke, corner[1] - 4 * stroke))
            cv2.putText(
                canvas, face.label, above, cv2.FONT_HERSHEY_SIMPLEX, 0.45 * stroke, BOX_COLOUR, stroke, cv2.LINE_AA
            )
    return canvas
