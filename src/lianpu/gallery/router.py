"""`/api/v1/faces`: persons and their images."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status

from lianpu.errors import FieldError, FieldsInvalidError
from lianpu.gallery import schemas
from lianpu.gallery.answers import generated_answer, image_answer, person_answer
from lianpu.gallery.enrolment import FaceChoice, Generated, PersonFields
from lianpu.gallery.gallery import Gallery, GalleryDep
from lianpu.gallery.repository import PersonFilter
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
    status_code=status.HTTP_201_CREATED,
    openapi_extra=image_body(schemas.EnrolmentFields),
    responses={**IMAGE_PROBLEMS, **problems(404, 409, 507)},
)
async def enrol(
    form: Annotated[ImageForm[schemas.EnrolmentFields], Depends(image_form(schemas.EnrolmentFields))],
    gallery: GalleryDep,
    request_id: RequestId,
) -> schemas.EnrolmentAnswer:
    """Enrol a person with a photo, or add the photo to the person whose id is given."""
    fields = form.fields
    person_id, image_id, generated = await gallery.enrolment.enrol(
        form.image,
        PersonFields(fields.person_id, fields.name, fields.metadata, fields.threshold),
        FaceChoice(fields.face_index, fields.face_selection),
        fields.models_to_generate,
    )
    return await _enrolment_answer(gallery, person_id, image_id, generated, request_id)


@router.get("", responses=problems(422))
async def list_persons(
    wanted: Annotated[PersonFilter, Depends(person_filter)],
    gallery: GalleryDep,
    request_id: RequestId,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> schemas.PersonListAnswer:
    """Persons, newest first. Filters: part of the name, a pack they can be found by, `metadata.KEY=VALUE`."""
    records, next_cursor = await gallery.persons.page(wanted, cursor, limit)
    persons = [person_answer(record.person, record.summary) for record in records]
    return schemas.PersonListAnswer(persons=persons, next_cursor=next_cursor, request_id=request_id)


@router.get("/{person_id}", responses=problems(404))
async def get_person(person_id: str, gallery: GalleryDep, request_id: RequestId) -> schemas.PersonDetailAnswer:
    record = await gallery.persons.get(person_id)
    images = [image_answer(item.image, item.embeddings) for item in await gallery.persons.images(person_id)]
    person = person_answer(record.person, record.summary)
    return schemas.PersonDetailAnswer(person=person, images=images, request_id=request_id)


@router.put("/{person_id}", responses=problems(400, 404, 422))
async def replace_person(
    person_id: str, body: schemas.PersonReplacement, gallery: GalleryDep, request_id: RequestId
) -> schemas.PersonOnlyAnswer:
    record = await gallery.persons.update(person_id, body.model_dump())
    return schemas.PersonOnlyAnswer(person=person_answer(record.person, record.summary), request_id=request_id)


@router.patch("/{person_id}", responses=problems(400, 404, 422))
async def patch_person(
    person_id: str, body: schemas.PersonPatch, gallery: GalleryDep, request_id: RequestId
) -> schemas.PersonOnlyAnswer:
    record = await gallery.persons.update(person_id, body.model_dump(exclude_unset=True))
    return schemas.PersonOnlyAnswer(person=person_answer(record.person, record.summary), request_id=request_id)


@router.delete("/{person_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(404))
async def delete_person(person_id: str, gallery: GalleryDep) -> None:
    """Remove the person with all images, embeddings and files. There is no way back."""
    await gallery.persons.delete(person_id)


@router.get("/{person_id}/thumbnail", response_class=Response, responses=problems(404))
async def get_person_thumbnail(person_id: str, gallery: GalleryDep) -> Response:
    """A JPEG square of the face on the person's primary image."""
    image = await gallery.persons.primary_image(person_id)
    data = await asyncio.to_thread(gallery.persons.read, image.thumbnail_path)
    return Response(data, media_type="image/jpeg", headers=PRIVATE)


@router.get("/{person_id}/images", responses=problems(404))
async def list_images(person_id: str, gallery: GalleryDep, request_id: RequestId) -> schemas.ImageListAnswer:
    """The person's images: the primary one first, then newest first."""
    images = [image_answer(item.image, item.embeddings) for item in await gallery.persons.images(person_id)]
    return schemas.ImageListAnswer(images=images, request_id=request_id)


@router.post(
    "/{person_id}/images",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=image_body(schemas.AddImageFields),
    responses={**IMAGE_PROBLEMS, **problems(404, 409, 507)},
)
async def add_image(
    person_id: str,
    form: Annotated[ImageForm[schemas.AddImageFields], Depends(image_form(schemas.AddImageFields))],
    gallery: GalleryDep,
    request_id: RequestId,
) -> schemas.EnrolmentAnswer:
    fields = form.fields
    image_id, generated = await gallery.enrolment.add_image(
        person_id, form.image, FaceChoice(fields.face_index, fields.face_selection), fields.models_to_generate
    )
    return await _enrolment_answer(gallery, person_id, image_id, generated, request_id)


@router.get("/{person_id}/images/{image_id}", responses=problems(404))
async def get_image(
    person_id: str, image_id: str, gallery: GalleryDep, request_id: RequestId
) -> schemas.ImageOnlyAnswer:
    record = await gallery.persons.image(person_id, image_id)
    return schemas.ImageOnlyAnswer(image=image_answer(record.image, record.embeddings), request_id=request_id)


@router.put(
    "/{person_id}/images/{image_id}",
    status_code=status.HTTP_201_CREATED,
    openapi_extra=image_body(schemas.ReplaceImageFields),
    responses={**IMAGE_PROBLEMS, **problems(404, 409, 507)},
)
async def replace_image(
    person_id: str,
    image_id: str,
    form: Annotated[ImageForm[schemas.ReplaceImageFields], Depends(image_form(schemas.ReplaceImageFields))],
    gallery: GalleryDep,
    request_id: RequestId,
) -> schemas.EnrolmentAnswer:
    """A new version of the image, under an id of its own; the version before stays unless `keep_previous=false`."""
    fields = form.fields
    new_id, generated = await gallery.enrolment.replace_image(
        person_id,
        image_id,
        form.image,
        FaceChoice(fields.face_index, fields.face_selection),
        fields.models_to_generate,
        keep_previous=fields.keep_previous,
    )
    return await _enrolment_answer(gallery, person_id, new_id, generated, request_id)


@router.patch("/{person_id}/images/{image_id}", responses=problems(400, 404, 422))
async def patch_image(
    person_id: str, image_id: str, body: schemas.ImagePatch, gallery: GalleryDep, request_id: RequestId
) -> schemas.ImageOnlyAnswer:
    """Make this the person's primary image."""
    del body  # its only field has one allowed value
    record = await gallery.persons.set_primary(person_id, image_id)
    return schemas.ImageOnlyAnswer(image=image_answer(record.image, record.embeddings), request_id=request_id)


@router.delete("/{person_id}/images/{image_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(404))
async def delete_image(person_id: str, image_id: str, gallery: GalleryDep) -> None:
    await gallery.persons.delete_image(person_id, image_id)


@router.get("/{person_id}/images/{image_id}/content", response_class=Response, responses=problems(404))
async def get_image_content(person_id: str, image_id: str, gallery: GalleryDep) -> Response:
    """The photo, byte for byte as it was uploaded."""
    image = (await gallery.persons.image(person_id, image_id)).image
    data = await asyncio.to_thread(gallery.persons.read, image.stored_path)
    return Response(data, media_type=f"image/{image.format}", headers=PRIVATE)


@router.get("/{person_id}/images/{image_id}/thumbnail", response_class=Response, responses=problems(404))
async def get_image_thumbnail(person_id: str, image_id: str, gallery: GalleryDep) -> Response:
    """A JPEG square of the person's face on this image."""
    image = (await gallery.persons.image(person_id, image_id)).image
    data = await asyncio.to_thread(gallery.persons.read, image.thumbnail_path)
    return Response(data, media_type="image/jpeg", headers=PRIVATE)


async def _enrolment_answer(
    gallery: Gallery, person_id: str, image_id: str, generated: tuple[Generated, ...], request_id: str
) -> schemas.EnrolmentAnswer:
    record = await gallery.persons.get(person_id)
    image = await gallery.persons.image(person_id, image_id)
    return schemas.EnrolmentAnswer(
        person=person_answer(record.person, record.summary),
        image=image_answer(image.image, image.embeddings),
        generated_embeddings=[generated_answer(item) for item in generated],
        request_id=request_id,
    )
