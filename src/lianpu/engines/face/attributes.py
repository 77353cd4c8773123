"""Face attributes: age and gender as a network estimates them."""

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.embedder import first_node_names, takes_raw_pixels
from lianpu.engines.face.face import Box, FaceAttributes, Gender, Image
from lianpu.engines.face.letterbox import to_planes
from lianpu.errors import PackError, PackInvalidError
from lianpu.runtime.session import Session

_OUTPUTS = 3
_MARGIN = 1.5
"""Side of the crop in longer sides of the face's box."""


class GenderAge:
    """InsightFace's `genderage.onnx` (https://github.com/deepinsight/insightface) and networks of its contract.

    From [n, 3, s, s] RGB, s fixed (96), to [n, 3]: scores of female and male, and the age divided by 100. Gives the
    numbers of InsightFace's Attribute. Implements `FaceAttributePredictor`; safe to call from several threads.
    """

    def __init__(self, session: Session, *, model_path: Path) -> None:
        """Wrap a loaded network.

        Args:
            model_path: the network's file: its first nodes tell whether it takes raw pixels.

        Raises:
            PackInvalidError: the network's input is not [n, 3, s, s], or its output not [n, 3].
            PackDamagedError: the graph cannot be read.
        """
        spec = session.inputs[0]
        batch, channels, height, width = spec.shape if len(spec.shape) == 4 else (0, 0, 0, 0)
        if batch not in {1, None} or channels not in {3, None} or not height or height != width:
            raise PackInvalidError(f"A network for gender and age takes [n, 3, s, s]; this one {spec.shape}")
        gives = session.outputs[0].shape
        if len(session.outputs) != 1 or len(gives) != 2 or gives[1] not in {_OUTPUTS, None}:
            raise PackInvalidError(f"A network for gender and age gives [n, 3] alone; this one {gives}")
        self._session = session
        self._input_name = spec.name
        self._size_px = height
        self._mean, self._std = _normalisation(model_path)

    def predict(self, image: Image, boxes: Sequence[Box]) -> list[FaceAttributes]:
        """Age and gender of each face, in the order of the boxes.

        Raises:
            PackError: the network does not run, or does not answer with three finite numbers.
        """
        # One at a time: InsightFace's file declares an output for one face, whatever its input says.
        return [self._predict(image, box) for box in boxes]

    def _predict(self, image: Image, box: Box) -> FaceAttributes:
        planes = to_planes([self._crop(image, box)], self._mean, self._std, "rgb")
        answer = self._session.run({self._input_name: planes})[0].reshape(-1)
        if len(answer) != _OUTPUTS or not np.isfinite(answer).all():
            raise PackError("The network for gender and age does not answer with three finite numbers.")
        female, male = float(answer[0]), float(answer[1])
        gender = Gender.MALE if male > female else Gender.FEMALE
        # In float32, as InsightFace rounds.
        age = float(answer[2] * np.float32(100))
        return FaceAttributes(max(0, round(age)), gender, (female, male))

    def _crop(self, image: Image, box: Box) -> Image:
        """The square around the box's centre, black where it reaches outside the image."""
        # A detector's box may be thinner than a pixel.
        scale = self._size_px / (max(box.width, box.height, 1.0) * _MARGIN)
        x, y = (box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2
        half = self._size_px / 2
        matrix: NDArray[np.float64] = np.array([[scale, 0, half - x * scale], [0, scale, half - y * scale]])
        return cast(Image, cv2.warpAffine(image, matrix, (self._size_px, self._size_px)))


def _normalisation(model_path: Path) -> tuple[float, float]:
    """(mean, std), found as InsightFace finds it: networks from MXNet normalise by themselves."""
    names = first_node_names(model_path)
    return (0.0, 1.0) if takes_raw_pixels(names) or "bn_data" in names[:3] else (127.5, 128.0)
