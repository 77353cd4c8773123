"""`/api/v1/recognition/subjects` and `faces`: the collection, as CompreFace's clients keep it."""

import math
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response, status

from lianpu.accounts.access import PrincipalDep, require_scope, requires
from lianpu.accounts.roles import Scope
from lianpu.compreface import schemas
from lianpu.compreface.compreface import SWITCHED_ON, CompreFaceDep
from lianpu.compreface.dialect import RECOGNITION, SUBJECT_STATE
from lianpu.errors import ImageNotFoundError
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import problems
from lianpu.http.uploads import named_images

router = APIRouter(prefix=RECOGNITION, tags=["compreface"], responses=problems(400, 404))
PRIVATE = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}
PAGE_MAX = 1000
IDS_MAX = 1000


async def _named_subject(request: Request, subject: Annotated[str, Path(description="Its name.")]) -> str:
    # The name itself was taken out of the address, which is written down.
    del subject
    name: str = getattr(request.state, SUBJECT_STATE)
    return name


NamedSubject = Annotated[str, Depends(_named_subject)]
Subject = Annotated[schemas.SubjectName, Query(description="Name of the subject.")]
OptionalSubject = Annotated[str | None, Query(description="Name of a subject; left out: all.")]
Probability = Annotated[float | None, Query(ge=0, le=1, description="Least probability that it is a face.")]


@router.get("/subjects", dependencies=[audited(Action.PERSON_LIST), requires(Scope.GALLERY_READ), SWITCHED_ON])
async def list_subjects(compreface: CompreFaceDep, note: AuditNoteDep) -> schemas.SubjectsAnswer:
    """The names of all persons, each once."""
    names = await compreface.subjects.names()
    note.about(persons=len(names))
    return schemas.SubjectsAnswer(subjects=names)


@router.post(
    "/subjects",
    dependencies=[audited(Action.PERSON_ENROL), requires(Scope.GALLERY_ENROL), SWITCHED_ON],
    status_code=status.HTTP_201_CREATED,
)
async def add_subject(
    body: schemas.SubjectFields, compreface: CompreFaceDep, note: AuditNoteDep
) -> schemas.SubjectAnswer:
    """A person without an image yet."""
    note.about(await compreface.subjects.create(body.subject))
    return schemas.SubjectAnswer(subject=body.subject)


@router.put(
    "/subjects/{subject}", dependencies=[audited(Action.PERSON_UPDATE), requires(Scope.GALLERY_ENROL), SWITCHED_ON]
)
async def rename_subject(
    subject: NamedSubject, body: schemas.SubjectFields, compreface: CompreFaceDep, note: AuditNoteDep
) -> schemas.RenamedAnswer:
    """One that becomes a subject who exists is merged into it."""
    note.about(await compreface.subjects.rename(subject, body.subject))
    return schemas.RenamedAnswer(updated=True)


@router.delete(
    "/subjects/{subject}", dependencies=[audited(Action.PERSON_DELETE), requires(Scope.GALLERY_ENROL), SWITCHED_ON]
)
async def delete_subject(subject: NamedSubject, compreface: CompreFaceDep, note: AuditNoteDep) -> schemas.SubjectAnswer:
    """With all examples."""
    note.about(await compreface.subjects.delete(subject))
    return schemas.SubjectAnswer(subject=subject)


@router.delete(
    "/subjects", dependencies=[audited(Action.GALLERY_BULK_DELETE), requires(Scope.GALLERY_MANAGE), SWITCHED_ON]
)
async def delete_subjects(compreface: CompreFaceDep, note: AuditNoteDep) -> schemas.DeletedAnswer:
    """Every person of the gallery, with all examples."""
    deleted = await compreface.subjects.delete_all()
    note.about(persons=list(deleted))
    return schemas.DeletedAnswer(deleted=len(deleted))


@router.get("/faces", dependencies=[audited(Action.PHOTO_LIST), requires(Scope.GALLERY_READ), SWITCHED_ON])
async def list_examples(
    compreface: CompreFaceDep,
    note: AuditNoteDep,
    subject: OptionalSubject = None,
    page: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    size: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 20,
) -> schemas.ExamplePageAnswer:
    """Examples of all subjects or of one, oldest first."""
    found, count = await compreface.examples.page(subject or None, page, size)
    note.about(images=len(found), page=page)
    return schemas.ExamplePageAnswer(
        faces=[schemas.ExampleAnswer(image_id=one.image_id, subject=one.subject) for one in found],
        page_number=page,
        page_size=size,
        total_pages=math.ceil(count / size),
        total_elements=count,
    )


@router.post(
    "/faces",
    dependencies=[audited(Action.PERSON_ENROL), requires(Scope.GALLERY_ENROL), SWITCHED_ON],
    status_code=status.HTTP_201_CREATED,
    openapi_extra=schemas.photo_body("file"),
    responses=problems(413, 503, 507),
)
async def add_example(
    photos: Annotated[dict[str, bytes], Depends(named_images("file"))],
    subject: Subject,
    compreface: CompreFaceDep,
    note: AuditNoteDep,
    det_prob_threshold: Probability = None,
) -> schemas.ExampleAnswer:
    """A photo with one face; the subject is made where there is none."""
    added = await compreface.examples.add(subject, photos["file"], det_prob_threshold)
    note.about(added.person_id, image_id=added.image_id)
    return schemas.ExampleAnswer(image_id=added.image_id, subject=added.subject)


@router.delete("/faces", dependencies=[audited(Action.GALLERY_BULK_DELETE), requires(Scope.GALLERY_ENROL), SWITCHED_ON])
async def delete_examples_of(
    compreface: CompreFaceDep, principal: PrincipalDep, note: AuditNoteDep, subject: OptionalSubject = None
) -> schemas.DeletedAnswer:
    """All examples of a subject; without one those of everybody, which needs `gallery:manage`."""
    if not subject:
        require_scope(principal, Scope.GALLERY_MANAGE)
    deleted = await compreface.examples.delete_of(subject or None)
    note.about(persons=sorted({one.person_id for one in deleted}), images=len(deleted))
    return schemas.DeletedAnswer(deleted=len(deleted))


@router.post(
    "/faces/delete", dependencies=[audited(Action.GALLERY_BULK_DELETE), requires(Scope.GALLERY_ENROL), SWITCHED_ON]
)
async def delete_examples(
    image_ids: Annotated[list[str], Body(max_length=IDS_MAX)], compreface: CompreFaceDep, note: AuditNoteDep
) -> list[schemas.ExampleAnswer]:
    """Those that there are; others are passed over."""
    deleted = await compreface.examples.delete(image_ids)
    note.about(images=[one.image_id for one in deleted])
    return [schemas.ExampleAnswer(image_id=one.image_id, subject=one.subject) for one in deleted]


@router.delete(
    "/faces/{image_id}", dependencies=[audited(Action.PHOTO_DELETE), requires(Scope.GALLERY_ENROL), SWITCHED_ON]
)
async def delete_example(image_id: str, compreface: CompreFaceDep, note: AuditNoteDep) -> schemas.ExampleAnswer:
    deleted = await compreface.examples.delete([image_id])
    if not deleted:
        raise ImageNotFoundError(f"There is no image {image_id!r}.")
    note.about(image_id, person_id=deleted[0].person_id)
    return schemas.ExampleAnswer(image_id=image_id, subject=deleted[0].subject)


@router.get(
    "/faces/{image_id}/img",
    dependencies=[audited(Action.PHOTO_CONTENT), requires(Scope.GALLERY_READ), SWITCHED_ON],
    response_class=Response,
)
async def get_example_image(image_id: str, compreface: CompreFaceDep, note: AuditNoteDep) -> Response:
    """The photo, byte for byte as it was uploaded."""
    photo = await compreface.examples.photo(image_id)
    note.about(image_id, person_id=photo.example.person_id)
    return Response(photo.data, media_type=f"image/{photo.format}", headers=PRIVATE)
