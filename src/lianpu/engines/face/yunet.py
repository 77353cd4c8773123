"""Face detector YuNet: boxes and five points."""

import numpy as np

from lianpu.engines.face.detection import network_input_size, snug_size, to_faces
from lianpu.engines.face.face import DetectedFace, Image
from lianpu.engines.face.letterbox import letterbox, to_planes
from lianpu.engines.face.nms import Floats, non_maximum_suppression
from lianpu.errors import PackInvalidError
from lianpu.runtime.session import Session

_STRIDES = (8, 16, 32)
_KINDS = ("cls", "obj", "bbox", "kps")


class YunetDetector:
    """YuNet (Wu et al. 2023, https://doi.org/10.1007/s11633-023-1423-y) as libfacedetection and OpenCV's zoo export it.

    Takes the official fixed 640x640 file and dynamic ones; gives the numbers of cv2.FaceDetectorYN. Implements
    `FaceDetector`. The network names points by the person's side (right eye first), which is the image's left first.
    """

    def __init__(self, session: Session, *, input_size: int, score_threshold: float, iou_threshold: float) -> None:
        """Wrap a loaded network.

        Args:
            input_size: side in pixels of the square the image is fitted into; a fixed network's own size overrides it.
            score_threshold: least score of a face, 0…1.
            iou_threshold: greatest overlap of two faces, 0…1.

        Raises:
            PackInvalidError: the network's inputs or outputs are not YuNet's, or the input size does not fit it.
        """
        names = [spec.name for spec in session.outputs]
        wanted = [f"{kind}_{stride}" for kind in _KINDS for stride in _STRIDES]
        if len(session.inputs) != 1 or not set(wanted) <= set(names):
            raise PackInvalidError(f"YuNet has 1 input and the outputs {', '.join(wanted)}; this network has {names}")
        self._session = session
        self._input_name = session.inputs[0].name
        self._output_indices = {name: names.index(name) for name in wanted}
        self._width, self._height = network_input_size(session.inputs[0], input_size, _STRIDES[-1], "YuNet")
        self._is_fixed = None not in session.inputs[0].shape[2:]
        self._score_threshold = score_threshold
        self._iou_threshold = iou_threshold

    @property
    def has_landmarks(self) -> bool:
        return True

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the network's input in pixels."""
        return self._width, self._height

    def detect(self, image: Image) -> list[DetectedFace]:
        """All faces of an image, best score first, in its pixels."""
        return self._detect(image, self._width, self._height)

    def detect_snug(self, image: Image) -> list[DetectedFace]:
        """As `detect`, on no more blackness beside the image than the network's strides need; see `SnugDetector`."""
        if self._is_fixed:
            return self.detect(image)
        return self._detect(image, *snug_size(image, self._width, self._height, _STRIDES[-1]))

    def _detect(self, image: Image, width: int, height: int) -> list[DetectedFace]:
        canvas, scale = letterbox(image, width, height)
        outputs = self._session.run({self._input_name: to_planes([canvas], 0.0, 1.0, "bgr")})
        decoded = [
            self._decode(stride, width, *(outputs[self._output_indices[f"{kind}_{stride}"]][0] for kind in _KINDS))
            for stride in _STRIDES
        ]
        boxes, scores, points = (np.concatenate(parts) for parts in zip(*decoded, strict=True))
        best_first = np.argsort(-scores, kind="stable")
        # OpenCV suppresses with boxes cut to whole pixels; so do we, and borderline pairs go the same way.
        corners = np.trunc(boxes[best_first])
        corners[:, 2:] += corners[:, :2]
        chosen = best_first[non_maximum_suppression(corners, self._iou_threshold)]
        boxes, points = boxes[chosen], points[chosen]
        boxes[:, 2:] += boxes[:, :2]
        return to_faces(boxes / scale, scores[chosen], points.reshape(-1, 5, 2) / scale)

    def _decode(
        self, stride: int, width: int, classes: Floats, objects: Floats, shapes: Floats, offsets: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Boxes [m, 4] (x, y, width, height), scores [m] and points [m, 10] in canvas pixels of the passing cells.

        Score is the geometric mean of class and objectness; a box is the offset of its centre from the cell's corner
        and the logarithm of its size, points are offsets from the corner, all in strides.
        """
        scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
        passing = np.flatnonzero(scores > self._score_threshold)
        columns = width // stride
        corners = np.stack([passing % columns, passing // columns], axis=1).astype(np.float32)
        centres = (corners + shapes[passing, :2]) * stride
        sizes = np.exp(shapes[passing, 2:]) * stride
        points = (offsets[passing] + np.tile(corners, 5)) * stride
        return np.concatenate([centres - sizes / 2, sizes], axis=1), scores[passing], points
