"""`/api/v1/faces`: persons and their images."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.errors import FieldError, FieldsInvalidError
from lianpu.gallery import schemas
from lianpu.gallery.answers import generated_answer, image_answer, person_answer, warning_answer
from lianpu.gallery.enrolment import Enrolled, FaceChoice, ImageOptions, PersonFields
from lianpu.gallery.gallery import Gallery, GalleryDep
from lianpu.gallery.moves.schemas import DeletionAnswer, DeletionReceiptAnswer
from lianpu.gallery.repository import PersonFilter
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.http.uploads import ImageForm, image_body, image_form

router = APIRouter(prefix="/api/v1/faces", tags=["gallery"])
IMAGE_PROBLEMS = problems(400, 413, 415, 422, 503)
LIST_PARAMETERS = {"limit", "cursor", "name", "pack"}
# Photos of people are personal data: no shared cache may keep them.
PRIVATE = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}


async def person_filter(request: Request, name: str | None = None, pack: str | None = None) -> PersonFilter:
    """`metadata.KEY=VALUE` may be given for several keys; all must hold."""
    metadata: list[tuple[str, str]] = []
    errors: list[FieldError] = []
    for key, value in request.query_params.multi_items():
        if key.startswith("metadata.") and '"' not in key and len(key) > len("metadata."):
            metadata.append((key.removeprefix("metadata."), value))
        elif key not in LIST_PARAMETERS:
            known = ", ".join(sorted(LIST_PARAMETERS))
            errors.append(FieldError(key, f"unknown parameter; known: {known}, metadata.KEY", "field_unknown"))
    if errors:
        raise FieldsInvalidError("The request has parameters that are not known.", errors=errors)
    return PersonFilter(name or None, pack or None, tuple(metadata))


@router.post(
    "",
    dependencies=[audited(Action.PERSON_ENROL), requires(Scope.GALLERY_ENROL)],
    status_code=status.HTTP_201_CREATED,
    openapi_extra=image_body(schemas.EnrolmentFields),
    responses={**IMAGE_PROBLEMS, **problems(404, 409, 507)},
)
async def enrol(
    form: Annotated[ImageForm[schemas.EnrolmentFields], Depends(image_form(schemas.EnrolmentFields))],
    gallery: GalleryDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> schemas.EnrolmentAnswer:
    """Enrol a person with a photo, or add the photo to the person whose id is given."""
    fields = form.fields
    note.about(fields.person_id)
    person = PersonFields(fields.person_id, fields.name, fields.metadata, fields.threshold)
    enrolled = await gallery.enrolment.enrol(form.image, person, _options(fields))
    note.about(enrolled.person_id, image_id=enrolled.image_id)
    return await _enrolment_answer(gallery, enrolled, request_id)


@router.get("", dependencies=[audited(Action.PERSON_LIST), requires(Scope.GALLERY_READ)], responses=problems(422))
async def list_persons(
    wanted: Annotated[PersonFilter, Depends(person_filter)],
    gallery: GalleryDep,
    note: AuditNoteDep,
    request_id: RequestId,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> schemas.PersonListAnswer:
    """Persons, newest first. Filters: part of the name, a pack they can be found by, `metadata.KEY=VALUE`."""
    records, next_cursor = await gallery.persons.page(wanted, cursor, limit)
    note.about(persons=len(records), further_page=cursor is not None)
    persons = [person_answer(record.person, record.summary) for record in records]
    return schemas.PersonListAnswer(persons=persons, next_cursor=next_cursor, request_id=request_id)


@router.get(
    "/{person_id}", dependencies=[audited(Action.PERSON_READ), requires(Scope.GALLERY_READ)], responses=problems(404)
)
async def get_person(person_id: str, gallery: GalleryDep, request_id: RequestId) -> schemas.PersonDetailAnswer:
    record = await gallery.persons.get(person_id)
    images = [image_answer(item.image, item.embeddings) for item in await gallery.persons.images(person_id)]
    person = person_answer(record.person, record.summary)
    return schemas.PersonDetailAnswer(person=person, images=images, request_id=request_id)


@router.put(
    "/{person_id}",
    dependencies=[audited(Action.PERSON_UPDATE), requires(Scope.GALLERY_ENROL)],
    responses=problems(400, 404, 422),
)
async def replace_person(
    person_id: str, body: schemas.PersonReplacement, gallery: GalleryDep, request_id: RequestId
) -> schemas.PersonOnlyAnswer:
    record = await gallery.persons.update(person_id, body.model_dump())
    return schemas.PersonOnlyAnswer(person=person_answer(record.person, record.summary), request_id=request_id)


@router.patch(
    "/{person_id}",
    dependencies=[audited(Action.PERSON_UPDATE), requires(Scope.GALLERY_ENROL)],
    responses=problems(400, 404, 422),
)
async def patch_person(
    person_id: str, body: schemas.PersonPatch, gallery: GalleryDep, request_id: RequestId
) -> schemas.PersonOnlyAnswer:
    record = await gallery.persons.update(person_id, body.model_dump(exclude_unset=True))
    return schemas.PersonOnlyAnswer(person=person_answer(record.person, record.summary), request_id=request_id)


@router.delete(
    "/{person_id}", dependencies=[audited(Action.PERSON_DELETE), requires(Scope.GALLERY_ENROL)], responses=problems(404)
)
async def delete_person(person_id: str, gallery: GalleryDep, request_id: RequestId) -> DeletionAnswer:
    """Remove the person with all images, embeddings and files. There is no way back; the receipt says what is gone."""
    receipt = await gallery.persons.delete(person_id)
    return DeletionAnswer(receipt=DeletionReceiptAnswer.of(receipt), request_id=request_id)


@router.get(
    "/{person_id}/thumbnail",
    dependencies=[audited(Action.PHOTO_THUMBNAIL, gathered=True), requires(Scope.GALLERY_READ)],
    response_class=Response,
    responses=problems(404),
)
async def get_person_thumbnail(person_id: str, gallery: GalleryDep) -> Response:
    """A JPEG square of the face on the person's primary image."""
    image = await gallery.persons.primary_image(person_id)
    data = await asyncio.to_thread(gallery.persons.read, image.thumbnail_path)
    return Response(data, media_type="image/jpeg", headers=PRIVATE)


@router.get(
    "/{person_id}/images",
    dependencies=[audited(Action.PHOTO_LIST), requires(Scope.GALLERY_READ)],
    responses=problems(404),
)
async def list_images(person_id: str, gallery: GalleryDep, request_id: RequestId) -> schemas.ImageListAnswer:
    """The person's images: the primary one first, then newest first."""
    images = [image_answer(item.image, item.embeddings) for item in await gallery.persons.images(person_id)]
    return schemas.ImageListAnswer(images=images, request_id=request_id)


@router.post(
    "/{person_id}/images",
    dependencies=[audited(Action.PHOTO_ADD), requires(Scope.GALLERY_ENROL)],
    status_code=status.HTTP_201_CREATED,
    openapi_extra=image_body(schemas.AddImageFields),
    responses={**IMAGE_PROBLEMS, **problems(404, 409, 507)},
)
async def add_image(
    person_id: str,
    form: Annotated[ImageForm[schemas.AddImageFields], Depends(image_form(schemas.AddImageFields))],
    gallery: GalleryDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> schemas.EnrolmentAnswer:
    enrolled = await gallery.enrolment.add_image(person_id, form.image, _options(form.fields))
    note.about(image_id=enrolled.image_id)
    return await _enrolment_answer(gallery, enrolled, request_id)


@router.get(
    "/{person_id}/images/{image_id}",
    dependencies=[audited(Action.PHOTO_READ), requires(Scope.GALLERY_READ)],
    responses=problems(404),
)
async def get_image(
    person_id: str, image_id: str, gallery: GalleryDep, request_id: RequestId
) -> schemas.ImageOnlyAnswer:
    record = await gallery.persons.image(person_id, image_id)
    return schemas.ImageOnlyAnswer(image=image_answer(record.image, record.embeddings), request_id=request_id)


@router.put(
    "/{person_id}/images/{image_id}",
    dependencies=[audited(Action.PHOTO_REPLACE), requires(Scope.GALLERY_ENROL)],
    status_code=status.HTTP_201_CREATED,
    openapi_extra=image_body(schemas.ReplaceImageFields),
    responses={**IMAGE_PROBLEMS, **problems(404, 409, 507)},
)
async def replace_image(
    person_id: str,
    image_id: str,
    form: Annotated[ImageForm[schemas.ReplaceImageFields], Depends(image_form(schemas.ReplaceImageFields))],
    gallery: GalleryDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> schemas.EnrolmentAnswer:
    """A new version of the image, under an id of its own; the version before stays unless `keep_previous=false`."""
    fields = form.fields
    enrolled = await gallery.enrolment.replace_image(
        person_id, image_id, form.image, _options(fields), keep_previous=fields.keep_previous
    )
    note.about(new_image_id=enrolled.image_id)
    return await _enrolment_answer(gallery, enrolled, request_id)


@router.patch(
    "/{person_id}/images/{image_id}",
    dependencies=[audited(Action.PHOTO_UPDATE), requires(Scope.GALLERY_ENROL)],
    responses=problems(400, 404, 422),
)
async def patch_image(
    person_id: str, image_id: str, body: schemas.ImagePatch, gallery: GalleryDep, request_id: RequestId
) -> schemas.ImageOnlyAnswer:
    """Make this the person's primary image."""
    del body  # its only field has one allowed value
    record = await gallery.persons.set_primary(person_id, image_id)
    return schemas.ImageOnlyAnswer(image=image_answer(record.image, record.embeddings), request_id=request_id)


@router.delete(
    "/{person_id}/images/{image_id}",
    dependencies=[audited(Action.PHOTO_DELETE), requires(Scope.GALLERY_ENROL)],
    responses=problems(404),
)
async def delete_image(person_id: str, image_id: str, gallery: GalleryDep, request_id: RequestId) -> DeletionAnswer:
    receipt = await gallery.persons.delete_image(person_id, image_id)
    return DeletionAnswer(receipt=DeletionReceiptAnswer.of(receipt), request_id=request_id)


@router.get(
    "/{person_id}/images/{image_id}/content",
    dependencies=[audited(Action.PHOTO_CONTENT), requires(Scope.GALLERY_READ)],
    response_class=Response,
    responses=problems(404),
)
async def get_image_content(person_id: str, image_id: str, gallery: GalleryDep) -> Response:
    """The photo, byte for byte as it was uploaded."""
    image = (await gallery.persons.image(person_id, image_id)).image
    data = await asyncio.to_thread(gallery.persons.read, image.stored_path)
    return Response(data, media_type=f"image/{image.format}", headers=PRIVATE)


@router.get(
    "/{person_id}/images/{image_id}/thumbnail",
    dependencies=[audited(Action.PHOTO_THUMBNAIL, gathered=True), requires(Scope.GALLERY_READ)],
    response_class=Response,
    responses=problems(404),
)
async def get_image_thumbnail(person_id: str, image_id: str, gallery: GalleryDep) -> Response:
    """A JPEG square of the person's face on this image."""
    image = (await gallery.persons.image(person_id, image_id)).image
    data = await asyncio.to_thread(gallery.persons.read, image.thumbnail_path)
    return Response(data, media_type="image/jpeg", headers=PRIVATE)


def _options(fields: schemas.AddImageFields) -> ImageOptions:
    return ImageOptions(
        FaceChoice(fields.face_index, fields.face_selection),
        fields.models_to_generate,
        fields.quality_mode,
        fields.conflict_mode,
        fields.liveness_mode,
    )


async def _enrolment_answer(gallery: Gallery, enrolled: Enrolled, request_id: str) -> schemas.EnrolmentAnswer:
    record = await gallery.persons.get(enrolled.person_id)
    image = await gallery.persons.image(enrolled.person_id, enrolled.image_id)
    return schemas.EnrolmentAnswer(
        person=person_answer(record.person, record.summary),
        image=image_answer(image.image, image.embeddings),
        generated_embeddings=[generated_answer(item) for item in enrolled.generated],
        warnings=[warning_answer(item) for item in enrolled.warnings],
        request_id=request_id,
    )
