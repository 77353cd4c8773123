"""`/api/v1/faces/…/merge` and `…/move`: images change hands."""

from fastapi import APIRouter

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.gallery.answers import image_answer, person_answer
from lianpu.gallery.enrolment import PersonFields
from lianpu.gallery.gallery import GalleryDep
from lianpu.gallery.moves.schemas import MergeAnswer, MergeFields, MoveAnswer, MoveFields
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems

router = APIRouter(prefix="/api/v1/faces", tags=["gallery"])


@router.post(
    "/{person_id}/merge",
    dependencies=[audited(Action.PERSON_MERGE), requires(Scope.GALLERY_ENROL)],
    responses=problems(400, 404, 422),
)
async def merge_persons(
    person_id: str, body: MergeFields, gallery: GalleryDep, note: AuditNoteDep, request_id: RequestId
) -> MergeAnswer:
    """Other persons become part of this one: their images and embeddings move, and they are gone. All or nothing."""
    note.about(merged=body.merged)
    merged = await gallery.moves.merge_all(person_id, body.merged)
    record = await gallery.persons.get(person_id)
    return MergeAnswer.of(merged, person_answer(record.person, record.summary), request_id)


@router.post(
    "/{person_id}/images/{image_id}/move",
    dependencies=[audited(Action.PHOTO_MOVE), requires(Scope.GALLERY_ENROL)],
    responses=problems(400, 404, 409, 422),
)
async def move_image(
    person_id: str, image_id: str, body: MoveFields, gallery: GalleryDep, note: AuditNoteDep, request_id: RequestId
) -> MoveAnswer:
    """Give an image to another person, or make a new person of it. Searches name the new one at once."""
    new = body.new_person
    to = PersonFields(body.to_person_id) if new is None else PersonFields(new.person_id, new.name, new.metadata)
    moved = await gallery.moves.move_image(person_id, image_id, to, removes_emptied=body.delete_empty)
    note.about(to_person_id=moved.person_id, new_image_id=moved.image_id)
    record = await gallery.persons.get(moved.person_id)
    image = await gallery.persons.image(moved.person_id, moved.image_id)
    return MoveAnswer(
        person=person_answer(record.person, record.summary),
        image=image_answer(image.image, image.embeddings),
        person_removed=moved.person_removed,
        request_id=request_id,
    )
