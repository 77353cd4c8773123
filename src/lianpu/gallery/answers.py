"""From rows and recognised faces to the API's answers."""

from collections.abc import Sequence
from typing import Any

from lianpu.engines.face.face import Box, DetectedFace
from lianpu.engines.face.quality import FaceQuality
from lianpu.gallery import schemas
from lianpu.gallery.checks import Finding
from lianpu.gallery.faces import Photo, attribute_figures, box_fractions, box_pixels, quality_figures
from lianpu.gallery.generation import Generated
from lianpu.gallery.liveness import Liveness
from lianpu.gallery.models import FaceEmbedding, Person, PersonImage
from lianpu.gallery.recognition import Detection, FaceMatches, PersonMatch
from lianpu.gallery.repository import PersonSummary
from lianpu.http.audited import Detail


def person_answer(person: Person, summary: PersonSummary) -> schemas.PersonAnswer:
    return schemas.PersonAnswer(
        person_id=person.id,
        name=person.name,
        metadata=person.details,
        threshold=person.threshold,
        created_at=person.created_at,
        updated_at=person.updated_at,
        image_count=summary.image_count,
        primary_image_id=summary.primary_image_id,
        packs=[
            schemas.PackCoverage(name=name, version=version, embedding_count=count)
            for name, version, count in summary.packs
        ],
    )


def image_answer(image: PersonImage, embeddings: Sequence[FaceEmbedding]) -> schemas.PersonImageAnswer:
    box = Box(*image.box)
    return schemas.PersonImageAnswer(
        image_id=image.id,
        person_id=image.person_id,
        is_primary=image.is_primary,
        width=image.width,
        height=image.height,
        format=image.format,
        size_bytes=image.size_bytes,
        sha256=image.sha256,
        box=schemas.PixelBox(**box_pixels(box)),
        box_normalized=schemas.NormalizedBox(**box_fractions(box, image.width, image.height)),
        quality=schemas.Quality(**image.quality),
        liveness=None if image.liveness is None else schemas.LivenessAnswer(**image.liveness),
        embeddings=[
            schemas.EmbeddingSummary(pack=item.pack, pack_version=item.pack_version, dimension=item.dimension)
            for item in embeddings
        ],
        uploaded_at=image.uploaded_at,
    )


def generated_answer(item: Generated) -> schemas.GeneratedEmbedding:
    return schemas.GeneratedEmbedding(
        model_name=item.pack,
        model_version=item.version,
        status="failed" if item.embedding is None else "generated",
        feature_size=None if item.embedding is None else item.embedding.dimension,
        detail=item.detail,
    )


def warning_answer(found: Finding) -> schemas.EnrolmentWarning:
    return schemas.EnrolmentWarning.model_validate(found.figures())


def face_fields(photo: Photo, face_index: int, quality: FaceQuality, liveness: Liveness | None) -> dict[str, Any]:
    """The fields of `schemas.Face`."""
    face: DetectedFace = photo.faces[face_index]
    landmarks = face.landmarks
    return {
        "face_index": face_index,
        "box": box_pixels(face.box),
        "box_normalized": box_fractions(face.box, photo.image.width, photo.image.height),
        "detection_score": round(face.score, 4),
        "landmarks": []
        if landmarks is None
        else [(round(float(x), 2), round(float(y), 2)) for x, y in landmarks.points],
        "landmark_scheme": "" if landmarks is None else landmarks.scheme.value,
        "quality": quality_figures(quality),
        "liveness": None if liveness is None else liveness.figures(),
    }


def image_size(photo: Photo) -> schemas.ImageSize:
    return schemas.ImageSize(width=photo.image.width, height=photo.image.height)


def detected_faces(detection: Detection) -> list[dict[str, Any]]:
    judged = detection.liveness or [None] * len(detection.qualities)
    return [
        face_fields(detection.photo, index, quality, liveness)
        for index, (quality, liveness) in enumerate(zip(detection.qualities, judged, strict=True))
    ]


def faces_with_attributes(detection: Detection) -> list[schemas.DetectedFaceAnswer]:
    attributes = detection.attributes or [None] * len(detection.qualities)
    return [
        schemas.DetectedFaceAnswer(
            **fields, attributes=None if one is None else schemas.AttributesAnswer(**attribute_figures(one))
        )
        for fields, one in zip(detected_faces(detection), attributes, strict=True)
    ]


def searched_face(fields: dict[str, Any], found: FaceMatches) -> schemas.SearchedFace:
    best = found.best_match
    return schemas.SearchedFace(
        **fields,
        matches=[_match(match) for match in found.matches],
        best_match=None if best is None else _match(best),
        margin=None if found.margin is None else round(found.margin, 6),
    )


def persons_found(faces: Sequence[FaceMatches]) -> list[Detail]:
    """What the audit log keeps of a search: whom the answer names, each once, the most alike first."""
    best: dict[str, PersonMatch] = {}
    for match in sorted((match for face in faces for match in face.matches), key=lambda match: -match.score):
        best.setdefault(match.row.person_id, match)
    return [
        {"person_id": person_id, "score": round(match.score, 3), "is_match": match.is_match}
        for person_id, match in best.items()
    ]


def _match(match: PersonMatch) -> schemas.Match:
    return schemas.Match(
        person_id=match.row.person_id,
        name=match.row.name,
        image_id=match.row.image_id,
        score=round(match.score, 6),
        raw_value=round(match.raw_value, 6),
        threshold=round(match.threshold.value, 6),
        threshold_source=match.threshold.source.value,
        is_match=match.is_match,
    )
