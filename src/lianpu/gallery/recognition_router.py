"""`/api/v1/detect`, `embeddings`, `compare`, `search`: recognition over the API; nothing of it is stored."""

from typing import Annotated

from fastapi import APIRouter, Depends

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.gallery import schemas
from lianpu.gallery.answers import (
    detected_faces,
    face_fields,
    faces_with_attributes,
    image_size,
    persons_found,
    searched_face,
)
from lianpu.gallery.gallery import GalleryDep
from lianpu.gallery.recognition import Detection
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.http.uploads import ImageForm, image_body, image_form

router = APIRouter(prefix="/api/v1", tags=["recognition"], responses=problems(400, 404, 413, 415, 422, 503))
PackForm = Annotated[ImageForm[schemas.PackFields], Depends(image_form(schemas.PackFields))]


@router.post(
    "/detect",
    dependencies=[audited(Action.FACE_DETECT), requires(Scope.GALLERY_RECOGNISE)],
    openapi_extra=image_body(schemas.PackFields),
)
async def detect(
    form: PackForm, gallery: GalleryDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.DetectAnswer:
    """Boxes, landmarks and quality of all faces, largest first; age and gender where the pack has them."""
    fields = form.fields
    found = await gallery.recognition.detect(form.image, fields.pack, fields.liveness_mode)
    note.about(faces=len(found.qualities))
    return schemas.DetectAnswer(
        request_id=request_id,
        **_pack(found),
        image=image_size(found.photo),
        faces=faces_with_attributes(found),
        timings_ms=found.timings.stages_ms,
    )


@router.post(
    "/embeddings",
    dependencies=[audited(Action.FACE_EMBED), requires(Scope.GALLERY_RECOGNISE)],
    openapi_extra=image_body(schemas.PackFields),
)
async def embeddings(
    form: PackForm, gallery: GalleryDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.EmbeddingsAnswer:
    """The embedding of every face, for callers with a store of their own."""
    fields = form.fields
    embedded = await gallery.recognition.embeddings(form.image, fields.pack, fields.liveness_mode)
    found = embedded.detection
    note.about(faces=len(embedded.embeddings))
    return schemas.EmbeddingsAnswer(
        request_id=request_id,
        **_pack(found),
        metric=found.analyzer.metric,
        dimension=found.analyzer.dimension,
        image=image_size(found.photo),
        faces=[
            schemas.EmbeddedFace(**face, embedding=vector.tolist())
            for face, vector in zip(detected_faces(found), embedded.embeddings, strict=True)
        ],
        timings_ms=found.timings.stages_ms,
    )


@router.post(
    "/search",
    dependencies=[audited(Action.FACE_SEARCH), requires(Scope.GALLERY_RECOGNISE)],
    openapi_extra=image_body(schemas.SearchFields),
)
async def search(
    form: Annotated[ImageForm[schemas.SearchFields], Depends(image_form(schemas.SearchFields))],
    gallery: GalleryDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> schemas.SearchAnswer:
    """1:N: who is on the photo? Every face with its nearest persons; a face nobody matches is unknown."""
    fields = form.fields
    found = await gallery.recognition.search(
        form.image,
        pack=fields.pack,
        top_k=fields.top_k,
        threshold=fields.threshold,
        faces=fields.faces,
        liveness=fields.liveness_mode,
    )
    detection = found.detection
    note.about(faces=len(found.faces), persons=persons_found(found.faces))
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


@router.post(
    "/compare",
    dependencies=[audited(Action.FACE_COMPARE), requires(Scope.GALLERY_RECOGNISE)],
    openapi_extra=image_body(schemas.CompareFields, images=2),
)
async def compare(
    form: Annotated[ImageForm[schemas.CompareFields], Depends(image_form(schemas.CompareFields, images=2))],
    gallery: GalleryDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> schemas.CompareAnswer:
    """1:1: do two photos show the same person? The field `image` is given twice."""
    fields = form.fields
    first, second = form.images
    result = await gallery.recognition.compare(
        first, second, fields.pack, fields.threshold, fields.face_selection, fields.liveness_mode
    )
    note.about(is_match=result.is_match, score=round(result.score, 3))
    return schemas.CompareAnswer(
        request_id=request_id,
        pack=result.analyzer.pack_name,
        pack_version=result.analyzer.pack_version,
        metric=result.analyzer.metric,
        score=round(result.score, 6),
        raw_value=round(result.raw_value, 6),
        threshold=round(result.threshold.value, 6),
        threshold_source=result.threshold.source.value,
        is_match=result.is_match,
        faces=[
            schemas.Face(**face_fields(face.photo, face.face_index, face.quality, face.liveness))
            for face in result.faces
        ],
        timings_ms=result.timings.stages_ms,
    )


def _pack(found: Detection) -> dict[str, str]:
    return {"pack": found.analyzer.pack_name, "pack_version": found.analyzer.pack_version}
