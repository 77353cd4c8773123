"""`/api/v1/detect`, `embeddings`, `compare`, `search`: recognition over the API; nothing of it is stored."""

from typing import Annotated

from fastapi import APIRouter, Depends

from lianpu.gallery import schemas
from lianpu.gallery.answers import detected_faces, face_fields, image_size, searched_face
from lianpu.gallery.gallery import GalleryDep
from lianpu.gallery.recognition import Detection
from lianpu.http.problems import RequestId, problems
from lianpu.http.uploads import ImageForm, image_body, image_form

router = APIRouter(prefix="/api/v1", tags=["recognition"], responses=problems(400, 404, 413, 415, 422, 503))
PackForm = Annotated[ImageForm[schemas.PackFields], Depends(image_form(schemas.PackFields))]


@router.post("/detect", openapi_extra=image_body(schemas.PackFields))
async def detect(form: PackForm, gallery: GalleryDep, request_id: RequestId) -> schemas.DetectAnswer:
    """Boxes, landmarks and quality of all faces, largest first."""
    found = await gallery.recognition.detect(form.image, form.fields.pack)
    return schemas.DetectAnswer(
        request_id=request_id,
        **_pack(found),
        image=image_size(found.photo),
        faces=[schemas.Face(**fields) for fields in detected_faces(found)],
        timings_ms=found.timings.stages_ms,
    )


@router.post("/embeddings", openapi_extra=image_body(schemas.PackFields))
async def embeddings(form: PackForm, gallery: GalleryDep, request_id: RequestId) -> schemas.EmbeddingsAnswer:
    """The embedding of every face, for callers with a store of their own."""
    embedded = await gallery.recognition.embeddings(form.image, form.fields.pack)
    found = embedded.detection
    return schemas.EmbeddingsAnswer(
        request_id=request_id,
        **_pack(found),
        metric=found.analyzer.metric,
        dimension=found.analyzer.dimension,
        image=image_size(found.photo),
        faces=[
            schemas.EmbeddedFace(**fields, embedding=vector.tolist())
            for fields, vector in zip(detected_faces(found), embedded.embeddings, strict=True)
        ],
        timings_ms=found.timings.stages_ms,
    )


@router.post("/search", openapi_extra=image_body(schemas.SearchFields))
async def search(
    form: Annotated[ImageForm[schemas.SearchFields], Depends(image_form(schemas.SearchFields))],
    gallery: GalleryDep,
    request_id: RequestId,
) -> schemas.SearchAnswer:
    """1:N: who is on the photo? Every face with its nearest persons; a face nobody matches is unknown."""
    fields = form.fields
    found = await gallery.recognition.search(
        form.image, pack=fields.pack, top_k=fields.top_k, threshold=fields.threshold, faces=fields.faces
    )
    detection = found.detection
    return schemas.SearchAnswer(
        request_id=request_id,
        **_pack(detection),
        metric=detection.analyzer.metric,
        image=image_size(detection.photo),
        faces=[
            searched_face(face, matches) for face, matches in zip(detected_faces(detection), found.faces, strict=True)
        ],
        timings_ms=detection.timings.stages_ms,
    )


@router.post("/compare", openapi_extra=image_body(schemas.CompareFields, images=2))
async def compare(
    form: Annotated[ImageForm[schemas.CompareFields], Depends(image_form(schemas.CompareFields, images=2))],
    gallery: GalleryDep,
    request_id: RequestId,
) -> schemas.CompareAnswer:
    """1:1: do two photos show the same person? The field `image` is given twice."""
    fields = form.fields
    first, second = form.images
    result = await gallery.recognition.compare(first, second, fields.pack, fields.threshold, fields.face_selection)
    return schemas.CompareAnswer(
        request_id=request_id,
        pack=result.analyzer.pack_name,
        pack_version=result.analyzer.pack_version,
        metric=result.analyzer.metric,
        score=round(result.score, 6),
        raw_value=round(result.raw_value, 6),
        threshold=round(result.threshold.value, 6),
        threshold_source="pack" if fields.threshold is None else "request",
        is_match=result.is_match,
        faces=[schemas.Face(**face_fields(face.photo, face.face_index, face.quality)) for face in result.faces],
        timings_ms=result.timings.stages_ms,
    )


def _pack(found: Detection) -> dict[str, str]:
    return {"pack": found.analyzer.pack_name, "pack_version": found.analyzer.pack_version}
