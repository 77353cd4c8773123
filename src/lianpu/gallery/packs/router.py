"""Routes about the packs of a gallery: re-embedding, the default pack, shadow mode."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.gallery.gallery import GalleryDep
from lianpu.gallery.packs.schemas import (
    DefaultPackAnswer,
    DefaultPackFields,
    ReembedFields,
    ShadowFields,
    ShadowOnlyAnswer,
)
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.jobs.jobs import JobsDep
from lianpu.jobs.schemas import JobAnswer, JobStartedAnswer

router = APIRouter(prefix="/api/v1")
PACK_PROBLEMS = problems(404, 422, 503)


@router.post(
    "/faces/{person_id}/generate-features",
    dependencies=[audited(Action.PERSON_GENERATE), requires(Scope.GALLERY_ENROL)],
    tags=["gallery"],
    status_code=status.HTTP_202_ACCEPTED,
    responses=PACK_PROBLEMS,
)
async def generate_features(
    person_id: str,
    gallery: GalleryDep,
    jobs: JobsDep,
    note: AuditNoteDep,
    request_id: RequestId,
    model_name: Annotated[
        str | None, Query(description="`name` or `name@version`; the default pack when left out.")
    ] = None,
) -> JobStartedAnswer:
    """Make a pack's missing embeddings of one person's images."""
    job = await gallery.reembedding.person(jobs, person_id, model_name)
    note.about(job_id=job.id)
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)


@router.post(
    "/gallery/reembed",
    dependencies=[audited(Action.GALLERY_REEMBED), requires(Scope.GALLERY_MANAGE)],
    tags=["gallery"],
    status_code=status.HTTP_202_ACCEPTED,
    responses={**PACK_PROBLEMS, **problems(400)},
)
async def reembed(
    body: ReembedFields, gallery: GalleryDep, jobs: JobsDep, note: AuditNoteDep, request_id: RequestId
) -> JobStartedAnswer:
    """Make a pack's missing embeddings of all images. Asking again while it runs gives the same job."""
    job = await gallery.reembedding.whole_gallery(jobs, body.pack, retry_failed=body.retry_failed)
    note.about(job.id, pack=body.pack)
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)


@router.post(
    "/models/default",
    dependencies=[audited(Action.MODEL_DEFAULT), requires(Scope.MODELS_MANAGE)],
    tags=["system"],
    responses={**PACK_PROBLEMS, **problems(400, 409)},
)
async def switch_default(
    body: DefaultPackFields, gallery: GalleryDep, note: AuditNoteDep, request_id: RequestId
) -> DefaultPackAnswer:
    """Make a pack the default one. Refused (`pack_not_covered`) while images lack its embedding.

    Searches go on during the switch, each answered by one pack, which the answer names. The pack before keeps its
    embeddings; the way back is the same call.
    """
    note.about(body.pack, force=body.force)
    switched = await gallery.default_pack.switch(body.pack, force=body.force)
    return DefaultPackAnswer.of(switched, request_id)


@router.get(
    "/gallery/shadow",
    dependencies=[audited(Action.GALLERY_SHADOW_READ, gathered=True), requires(Scope.GALLERY_MANAGE)],
    tags=["gallery"],
)
async def get_shadow(gallery: GalleryDep, request_id: RequestId) -> ShadowOnlyAnswer:
    """How far the candidate agrees with the active pack."""
    return ShadowOnlyAnswer.of(await gallery.shadow.report(), request_id)


@router.put(
    "/gallery/shadow",
    dependencies=[audited(Action.GALLERY_SHADOW), requires(Scope.GALLERY_MANAGE)],
    tags=["gallery"],
    responses={**PACK_PROBLEMS, **problems(400)},
)
async def put_shadow(
    body: ShadowFields, gallery: GalleryDep, note: AuditNoteDep, request_id: RequestId
) -> ShadowOnlyAnswer:
    """Repeat searches by a candidate, behind the answers of the active pack, and compare.

    Searches that name a pack or a threshold are left alone. Images enrolled meanwhile get the candidate's embedding.
    """
    note.about(body.pack, sample_rate=body.sample_rate)
    return ShadowOnlyAnswer.of(await gallery.shadow.begin(body.pack, body.sample_rate), request_id)


@router.delete(
    "/gallery/shadow", dependencies=[audited(Action.GALLERY_SHADOW), requires(Scope.GALLERY_MANAGE)], tags=["gallery"]
)
async def delete_shadow(gallery: GalleryDep, note: AuditNoteDep, request_id: RequestId) -> ShadowOnlyAnswer:
    """End it; the answer is the last report, after which the counts are forgotten."""
    note.about(ended=True)
    return ShadowOnlyAnswer.of(await gallery.shadow.end(), request_id)
