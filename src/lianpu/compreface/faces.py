"""Recognised faces as CompreFace shows them."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from lianpu.compreface import schemas
from lianpu.engines.face.face import DetectedFace, Embeddings
from lianpu.errors import FaceNotFoundError
from lianpu.gallery.recognition import Detection, FaceMatches

AGE, GENDER, LANDMARKS, CALCULATOR, POSE = "age", "gender", "landmarks", "calculator", "pose"
PLUGINS = frozenset({AGE, GENDER, LANDMARKS, CALCULATOR, POSE})
ATTRIBUTES = frozenset({AGE, GENDER})


@dataclass(frozen=True, slots=True)
class FaceOptions:
    """What a request says of the faces that it wants."""

    limit: int = 0
    """Most faces, the largest first; 0: all."""
    least_probability: float = 0.0
    plugins: frozenset[str] = frozenset()
    with_status: bool = False

    def wants(self, plugins: Collection[str]) -> bool:
        return not self.plugins.isdisjoint(plugins)


def plugins_of(text: str) -> frozenset[str]:
    """Of a list with commas; those that this server has not (`mask`) are passed over."""
    return PLUGINS & {name.strip() for name in text.split(",")}


def probability(face: DetectedFace) -> float:
    """The detector's score, held to 0…1: that of some packs is a margin without an end."""
    return min(1.0, max(0.0, face.score))


def wanted_faces(found: Detection, least_probability: float, limit: int) -> list[int]:
    """Places of the faces that are sure enough, the largest first.

    Raises:
        FaceNotFoundError: there is none; CompreFace has no empty answer.
    """
    faces = found.photo.faces
    places = [place for place, face in enumerate(faces) if probability(face) >= least_probability]
    if not places:
        raise FaceNotFoundError("No face was found in the photo. Use one where the face is larger, upright and lit.")
    return places[:limit] if limit else places


def face_fields(
    found: Detection, place: int, options: FaceOptions, attributed: Detection | None, embeddings: Embeddings | None
) -> dict[str, Any]:
    """The fields of `schemas.FoundFace`.

    Args:
        attributed: the same faces with age and gender, where they are asked for.
        embeddings: [n, dimension] float32 of all faces, where they are asked for.
    """
    face = found.photo.faces[place]
    box = face.box
    fields: dict[str, Any] = {
        "box": schemas.FaceBox(
            probability=round(probability(face), 6),
            x_min=round(box.x1),
            y_min=round(box.y1),
            x_max=round(box.x2),
            y_max=round(box.y2),
        )
    }
    attributes = attributed.attributes[place] if attributed is not None and attributed.attributes else None
    if attributes is not None and AGE in options.plugins:
        fields["age"] = schemas.AgeRange(low=attributes.age, high=attributes.age)
    if attributes is not None and GENDER in options.plugins:
        fields["gender"] = schemas.GenderAnswer(value=attributes.gender.value)
    if POSE in options.plugins and (pose := found.qualities[place].pose) is not None:
        fields["pose"] = schemas.Pose(pitch=pose.pitch, roll=pose.roll, yaw=pose.yaw)
    if LANDMARKS in options.plugins and face.landmarks is not None:
        fields["landmarks"] = [(round(float(x)), round(float(y))) for x, y in face.landmarks.points]
    if CALCULATOR in options.plugins and embeddings is not None:
        fields["embedding"] = embeddings[place].tolist()
    if options.with_status:
        fields["execution_time"] = _execution_time(found)
    return fields


def plugins_versions(found: Detection, options: FaceOptions) -> dict[str, str] | None:
    """Which pack answered; None: `status` was not asked for."""
    if not options.with_status:
        return None
    pack = f"{found.analyzer.pack_name}@{found.analyzer.pack_version}"
    return {"detector": pack, "calculator": pack}


def matches_alone(found: FaceMatches) -> FaceMatches:
    """Without those who are only near: CompreFace's clients take whoever is named for the person."""
    return replace(found, matches=[match for match in found.matches if match.is_match])


def similar_subjects(found: FaceMatches) -> list[schemas.SimilarSubject]:
    """Each name once, with its best score."""
    best: dict[str, float] = {}
    for match in found.matches:
        best.setdefault(match.row.name, match.score)
    return [schemas.SimilarSubject(subject=name, similarity=round(score, 5)) for name, score in best.items()]


def _execution_time(found: Detection) -> dict[str, float]:
    names = {"detect": "detector", "embed": "calculator"}
    return {names[stage]: took for stage, took in found.timings.stages_ms.items() if stage in names}
