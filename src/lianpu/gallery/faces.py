"""From an encoded photo to faces that the gallery can use: decode, detect, choose, measure, embed."""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Box, DetectedFace, Embeddings, FaceAttributes
from lianpu.engines.face.quality import FaceQuality, measure_quality
from lianpu.engines.image import DecodedImage, ImageLimits, decode_image
from lianpu.errors import FaceNotFoundError, FieldError, FieldsInvalidError, SeveralFacesError
from lianpu.observability.stages import Stage, stage

Selection = Literal["only", "largest"]


@dataclass
class Timings:
    """Milliseconds of each stage of one request."""

    stages_ms: dict[str, float] = field(default_factory=dict[str, float])

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            elapsed_ms = (time.perf_counter() - start) * 1000
            self.stages_ms[name] = round(self.stages_ms.get(name, 0.0) + elapsed_ms, 3)


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded photo and the faces a pack found in it, largest first; a face's place is its `face_index`."""

    image: DecodedImage
    faces: tuple[DetectedFace, ...]


def read_photo(data: bytes, limits: ImageLimits, analyzer: FaceAnalyzer, max_faces: int, timings: Timings) -> Photo:
    with timings.stage("decode"):
        image = decode_image(data, limits)
    with timings.stage("detect"):
        faces = analyzer.detect(image.pixels, max_faces=max_faces)
    return Photo(image, tuple(faces))


def embed(photo: Photo, faces: Sequence[DetectedFace], analyzer: FaceAnalyzer, timings: Timings) -> Embeddings:
    with timings.stage("embed"):
        return analyzer.embed(photo.image.pixels, list(faces))


def measure(photo: Photo, faces: Sequence[DetectedFace], timings: Timings) -> list[FaceQuality]:
    with timings.stage("quality"), stage(Stage.QUALITY):
        return [measure_quality(photo.image.pixels, face) for face in faces]


def choose_face(photo: Photo, face_index: int | None, selection: Selection) -> int:
    """The place of the one face that is meant.

    Raises:
        FaceNotFoundError: the photo shows none; carries the photo's size.
        SeveralFacesError: it shows several and none was named; carries all of them.
        FieldsInvalidError: `face_index` names none of them.
    """
    count = len(photo.faces)
    if count == 0:
        raise FaceNotFoundError(
            "No face was found in the photo. Use one where the face is larger, upright and lit.",
            context=_seen(photo),
        )
    if face_index is not None:
        if face_index < count:
            return face_index
        message = f"the photo has {count} face(s), numbered from 0"
        raise FieldsInvalidError(
            f"There is no face {face_index} in the photo.",
            errors=[FieldError("face_index", message, "out_of_range")],
            context=_seen(photo),
        )
    if count > 1 and selection == "only":
        raise SeveralFacesError(
            f"The photo shows {count} faces and one is wanted: name it by `face_index`, "
            "or pass `face_selection=largest`.",
            context=_seen(photo),
        )
    return 0


def box_pixels(box: Box) -> dict[str, float]:
    return {
        "x": round(box.x1, 2),
        "y": round(box.y1, 2),
        "width": round(box.width, 2),
        "height": round(box.height, 2),
    }


def box_fractions(box: Box, width: int, height: int) -> dict[str, float]:
    return {
        "left": round(box.x1 / width, 6),
        "top": round(box.y1 / height, 6),
        "width": round(box.width / width, 6),
        "height": round(box.height / height, 6),
    }


def quality_figures(quality: FaceQuality) -> dict[str, float | None]:
    """The figures that the API shows and that are stored with an image."""
    pose = quality.pose
    return {
        "overall": round(quality.overall, 4),
        "sharpness": round(quality.sharpness_score, 4),
        "size_px": round(quality.box_side_px, 1),
        "yaw_degrees": None if pose is None else _rounded(pose.yaw),
        "pitch_degrees": None if pose is None else _rounded(pose.pitch),
        "roll_degrees": None if pose is None else _rounded(pose.roll),
        "exposure": round(quality.exposure_score, 4),
        "detection_score": round(quality.detection_score, 4),
    }


def attribute_figures(attributes: FaceAttributes) -> dict[str, Any]:
    """What the API shows of them."""
    return {"age": attributes.age, "gender": attributes.gender.value}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _seen(photo: Photo) -> dict[str, object]:
    width, height = photo.image.width, photo.image.height
    return {
        "image": {"width": width, "height": height},
        "faces": [
            {
                "face_index": index,
                "box": box_pixels(face.box),
                "box_normalized": box_fractions(face.box, width, height),
                "detection_score": round(face.score, 4),
            }
            for index, face in enumerate(photo.faces)
        ],
    }
