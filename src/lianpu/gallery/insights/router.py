"""`/api/v1/gallery/calibrate`, `…/health` and the gallery's own threshold of a pack."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response, status

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.gallery.gallery import GalleryDep
from lianpu.gallery.insights.calibration_schemas import (
    CalibrateFields,
    CalibrationAnswer,
    CalibrationReport,
    ModelThresholdAnswer,
    ThresholdFields,
)
from lianpu.gallery.insights.health_schemas import (
    AppliedAnswer,
    ApplyFields,
    DismissedAnswer,
    HealthFields,
    HealthReportAnswer,
)
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.jobs.jobs import JobsDep
from lianpu.jobs.schemas import JobAnswer, JobStartedAnswer
from lianpu.packs.metric import raw_of

router = APIRouter(prefix="/api/v1")
STARTED = status.HTTP_202_ACCEPTED
PACK_PROBLEMS = problems(400, 404, 422, 503)
PlotName = Literal["error_rates.png", "error_rates.svg", "histogram.png", "histogram.svg"]
PICTURES = {"png": "image/png", "svg": "image/svg+xml"}


@router.post(
    "/gallery/calibrate",
    dependencies=[audited(Action.GALLERY_CALIBRATE), requires(Scope.GALLERY_MANAGE)],
    tags=["gallery"],
    status_code=STARTED,
    responses={**PACK_PROBLEMS, **problems(409)},
)
async def calibrate(
    body: CalibrateFields, gallery: GalleryDep, jobs: JobsDep, note: AuditNoteDep, request_id: RequestId
) -> JobStartedAnswer:
    """Find out from your own people's scores what each threshold means, and which one gives a wanted rate."""
    job = await gallery.insights.calibrate(jobs, body)
    note.about(job.id)
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)


@router.get(
    "/gallery/calibrate",
    dependencies=[audited(Action.GALLERY_CALIBRATION_READ), requires(Scope.GALLERY_MANAGE)],
    tags=["gallery"],
    responses=PACK_PROBLEMS,
)
async def get_calibration(
    gallery: GalleryDep,
    jobs: JobsDep,
    request_id: RequestId,
    pack: Annotated[str | None, Query(description="The last one of this pack; the last of all when left out.")] = None,
) -> CalibrationAnswer:
    """The last calibration that was completed."""
    job = await gallery.insights.latest_calibration(jobs, pack)
    report = CalibrationReport.model_validate(job.result)
    return CalibrationAnswer(job_id=job.id, calibration=report, request_id=request_id)


@router.get(
    "/gallery/calibrate/{job_id}/plots/{name}",
    dependencies=[audited(Action.GALLERY_CALIBRATION_READ, gathered=True), requires(Scope.GALLERY_MANAGE)],
    tags=["gallery"],
    response_class=Response,
    responses=problems(404, 422),
)
async def get_calibration_plot(job_id: str, name: PlotName, gallery: GalleryDep, jobs: JobsDep) -> Response:
    """A picture of a calibration: error rates over the threshold, or the scores' histogram."""
    content = await gallery.insights.plot(jobs, job_id, name)
    return Response(content, media_type=PICTURES[name.rpartition(".")[2]])


@router.put(
    "/models/{name}/threshold",
    dependencies=[audited(Action.MODEL_THRESHOLD), requires(Scope.MODELS_MANAGE)],
    tags=["system"],
    responses=PACK_PROBLEMS,
)
async def put_threshold(
    name: str, body: ThresholdFields, gallery: GalleryDep, note: AuditNoteDep, request_id: RequestId
) -> ModelThresholdAnswer:
    """Set this gallery's own threshold of a pack, for all who have none of their own; null takes it back."""
    note.about(threshold=body.threshold)
    analyzer = await gallery.insights.set_threshold(name, body.threshold)
    applied = analyzer.threshold if body.threshold is None else body.threshold
    return ModelThresholdAnswer(
        pack=analyzer.pack_name,
        pack_version=analyzer.pack_version,
        threshold=applied,
        raw_threshold=raw_of(analyzer.metric, applied),
        threshold_source="pack" if body.threshold is None else "gallery",
        pack_threshold=analyzer.threshold,
        request_id=request_id,
    )


@router.post(
    "/gallery/health",
    dependencies=[audited(Action.GALLERY_HEALTH_CHECK), requires(Scope.GALLERY_MANAGE)],
    tags=["gallery"],
    status_code=STARTED,
    responses=PACK_PROBLEMS,
)
async def check_health(
    body: HealthFields, gallery: GalleryDep, jobs: JobsDep, note: AuditNoteDep, request_id: RequestId
) -> JobStartedAnswer:
    """Look for images in the wrong place, persons enrolled twice, look-alikes and poor images."""
    job = await gallery.insights.check_health(jobs, body.pack)
    note.about(job.id)
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)


@router.get(
    "/gallery/health",
    dependencies=[audited(Action.GALLERY_HEALTH_READ), requires(Scope.GALLERY_MANAGE)],
    tags=["gallery"],
    responses=problems(404, 422),
)
async def get_health(
    gallery: GalleryDep,
    jobs: JobsDep,
    note: AuditNoteDep,
    request_id: RequestId,
    dismissed: Annotated[bool, Query(description="Show what was called fine, too.")] = False,
) -> HealthReportAnswer:
    """The latest report, without what was dismissed or has changed since."""
    latest = await gallery.health.latest(jobs, with_dismissed=dismissed)
    note.about(latest.job_id)
    return HealthReportAnswer(
        job_id=latest.job_id,
        checked_at=latest.checked_at,
        report=latest.report,
        dismissed=latest.dismissed,
        outdated=latest.outdated,
        request_id=request_id,
    )


@router.post(
    "/gallery/health/findings/{finding_id}/apply",
    dependencies=[audited(Action.GALLERY_FINDING_APPLY), requires(Scope.GALLERY_MANAGE)],
    tags=["gallery"],
    responses=problems(400, 404, 409, 422),
)
async def apply_finding(
    finding_id: str, body: ApplyFields, gallery: GalleryDep, jobs: JobsDep, note: AuditNoteDep, request_id: RequestId
) -> AppliedAnswer:
    """Do what one of the finding's actions says, if the finding still holds."""
    note.about(action=body.action)
    await gallery.health.apply(jobs, finding_id, body.action)
    return AppliedAnswer(finding_id=finding_id, action=body.action, request_id=request_id)


@router.post(
    "/gallery/health/findings/{finding_id}/dismiss",
    dependencies=[audited(Action.GALLERY_FINDING_DISMISS), requires(Scope.GALLERY_MANAGE)],
    tags=["gallery"],
    responses=problems(404),
)
async def dismiss_finding(
    finding_id: str, gallery: GalleryDep, jobs: JobsDep, request_id: RequestId
) -> DismissedAnswer:
    """This is fine: do not report it again."""
    await gallery.health.dismiss(jobs, finding_id)
    return DismissedAnswer(finding_id=finding_id, dismissed=True, request_id=request_id)


@router.delete(
    "/gallery/health/findings/{finding_id}/dismiss",
    dependencies=[audited(Action.GALLERY_FINDING_DISMISS), requires(Scope.GALLERY_MANAGE)],
    tags=["gallery"],
)
async def undismiss_finding(
    finding_id: str, gallery: GalleryDep, note: AuditNoteDep, request_id: RequestId
) -> DismissedAnswer:
    """Report it again."""
    note.about(dismissed=False)
    await gallery.health.undismiss(finding_id)
    return DismissedAnswer(finding_id=finding_id, dismissed=False, request_id=request_id)
