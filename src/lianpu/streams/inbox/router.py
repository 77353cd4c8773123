"""`/api/v1/stream/unknowns`: the unknown inbox."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.gallery.answers import person_answer
from lianpu.gallery.gallery import GalleryDep
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.streams.inbox import schemas
from lianpu.streams.inbox.unknowns import UnknownsDep

router = APIRouter(prefix=schemas.PATH, tags=["unknown inbox"])
# Pictures of people: no shared cache may keep them.
PRIVATE = {"Cache-Control": "private, max-age=60", "X-Content-Type-Options": "nosniff"}


@router.get(
    "",
    dependencies=[audited(Action.UNKNOWN_LIST), requires(Scope.STREAMS_READ)],
    responses=problems(422, 503),
)
async def list_unknowns(
    unknowns: UnknownsDep,
    note: AuditNoteDep,
    request_id: RequestId,
    stream_id: Annotated[str | None, Query(max_length=64, description="Of whom a face of this stream is kept.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
) -> schemas.UnknownListAnswer:
    """People whom streams could not name, who was seen last first."""
    records, next_cursor, total = await unknowns.review.page(stream_id, cursor, limit)
    note.about(stream_id, unknowns=len(records), further_page=cursor is not None)
    return schemas.UnknownListAnswer(
        enabled=unknowns.inbox.rules.enabled,
        total=total,
        unknowns=[schemas.UnknownAnswer.of(record) for record in records],
        next_cursor=next_cursor,
        request_id=request_id,
    )


@router.delete(
    "", dependencies=[audited(Action.UNKNOWN_PURGE), requires(Scope.STREAMS_MANAGE)], responses=problems(503)
)
async def purge_all(unknowns: UnknownsDep, note: AuditNoteDep, request_id: RequestId) -> schemas.PurgedAnswer:
    """Everybody in the inbox is gone, with all faces. There is no way back."""
    purged = await unknowns.review.purge_all()
    note.about(unknowns=purged.unknowns, faces=purged.faces)
    return schemas.PurgedAnswer(unknowns=purged.unknowns, faces=purged.faces, request_id=request_id)


@router.get(
    "/{unknown_id}",
    dependencies=[audited(Action.UNKNOWN_READ), requires(Scope.STREAMS_READ)],
    responses=problems(404, 503),
)
async def get_unknown(unknown_id: str, unknowns: UnknownsDep, request_id: RequestId) -> schemas.UnknownDetailAnswer:
    return schemas.UnknownDetailAnswer.of(await unknowns.review.get(unknown_id), request_id)


@router.delete(
    "/{unknown_id}",
    dependencies=[audited(Action.UNKNOWN_PURGE), requires(Scope.STREAMS_MANAGE)],
    responses=problems(404),
)
async def purge_unknown(
    unknown_id: str, unknowns: UnknownsDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.PurgedAnswer:
    """The unknown person is gone, with all faces. There is no way back."""
    purged = await unknowns.review.purge(unknown_id)
    note.about(faces=purged.faces)
    return schemas.PurgedAnswer(unknowns=purged.unknowns, faces=purged.faces, request_id=request_id)


@router.get(
    "/{unknown_id}/crop",
    dependencies=[audited(Action.UNKNOWN_CROP, gathered=True), requires(Scope.STREAMS_READ)],
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **problems(404)},
)
async def get_best_crop(unknown_id: str, unknowns: UnknownsDep) -> Response:
    """The best face, with some room around it, as JPEG."""
    return Response(await unknowns.review.crop(unknown_id, None), media_type="image/jpeg", headers=PRIVATE)


@router.get(
    "/{unknown_id}/faces/{face_id}/crop",
    dependencies=[audited(Action.UNKNOWN_CROP, gathered=True), requires(Scope.STREAMS_READ)],
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **problems(404)},
)
async def get_crop(unknown_id: str, face_id: str, unknowns: UnknownsDep) -> Response:
    """One face, as JPEG."""
    return Response(await unknowns.review.crop(unknown_id, face_id), media_type="image/jpeg", headers=PRIVATE)


@router.post(
    "/{unknown_id}/name",
    dependencies=[audited(Action.UNKNOWN_NAME), requires(Scope.GALLERY_ENROL)],
    responses=problems(400, 404, 409, 422, 503),
)
async def name_unknown(
    unknown_id: str,
    body: schemas.NameFields,
    unknowns: UnknownsDep,
    gallery: GalleryDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> schemas.NamedAnswer:
    """Make a new person of the faces, or add them to one who exists; the unknown person is then gone."""
    note.about(person_id=body.person.person_id)
    named = await unknowns.naming.name(unknown_id, body.person, is_new=body.new_person is not None)
    failed = sum(face.enrolled is None for face in named.faces)
    note.about(person_id=named.person_id, images=len(named.faces) - failed, failed=failed)
    record = await gallery.persons.get(named.person_id)
    return schemas.NamedAnswer(
        person=person_answer(record.person, record.summary),
        faces=[schemas.NamedFaceAnswer.of(face) for face in named.faces],
        request_id=request_id,
    )


@router.post(
    "/{unknown_id}/vetoes",
    dependencies=[audited(Action.UNKNOWN_VETO), requires(Scope.GALLERY_ENROL)],
    responses=problems(400, 404, 422, 503),
)
async def veto_person(
    unknown_id: str, body: schemas.VetoFields, unknowns: UnknownsDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.UnknownDetailAnswer:
    """This is not that person: it is no longer suggested, may not be named so, and streams do not take it for them."""
    note.about(person_id=body.person_id)
    return schemas.UnknownDetailAnswer.of(await unknowns.review.veto(unknown_id, body.person_id), request_id)


@router.delete(
    "/{unknown_id}/vetoes/{person_id}",
    dependencies=[audited(Action.UNKNOWN_VETO), requires(Scope.GALLERY_ENROL)],
    responses=problems(404, 503),
)
async def withdraw_veto(
    unknown_id: str, person_id: str, unknowns: UnknownsDep, note: AuditNoteDep, request_id: RequestId
) -> schemas.UnknownDetailAnswer:
    """It may be that person after all."""
    note.about(person_id=person_id, withdrawn=True)
    return schemas.UnknownDetailAnswer.of(await unknowns.review.withdraw_veto(unknown_id, person_id), request_id)


@router.post(
    "/{unknown_id}/faces/{face_id}/move",
    dependencies=[audited(Action.UNKNOWN_MOVE), requires(Scope.GALLERY_ENROL)],
    responses=problems(400, 404, 409, 422, 503),
)
async def move_face(
    unknown_id: str,
    face_id: str,
    body: schemas.MoveFaceFields,
    unknowns: UnknownsDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> schemas.UnknownDetailAnswer:
    """Give a face to another unknown person, or make one of it; answers with who has it now."""
    record = await unknowns.review.move(unknown_id, face_id, body.to_unknown_id)
    note.about(face_id=face_id, to_unknown_id=record.row.id)
    return schemas.UnknownDetailAnswer.of(record, request_id)


@router.post(
    "/{unknown_id}/merge",
    dependencies=[audited(Action.UNKNOWN_MERGE), requires(Scope.GALLERY_ENROL)],
    responses=problems(400, 404, 409, 422, 503),
)
async def merge_unknowns(
    unknown_id: str,
    body: schemas.MergeUnknownFields,
    unknowns: UnknownsDep,
    note: AuditNoteDep,
    request_id: RequestId,
) -> schemas.UnknownDetailAnswer:
    """The other unknown person becomes part of this one."""
    note.about(merged=body.unknown_id)
    return schemas.UnknownDetailAnswer.of(await unknowns.review.merge(unknown_id, body.unknown_id), request_id)
