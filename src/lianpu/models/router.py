"""Routes of the packs themselves: what can be pulled, pulling, loading, unloading, removing."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, status

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.http.audited import Action, AuditNoteDep, audited
from lianpu.http.problems import RequestId, problems
from lianpu.jobs.jobs import JobsDep
from lianpu.jobs.schemas import JobAnswer, JobStartedAnswer
from lianpu.models.pulling import PullRequests
from lianpu.models.schemas import (
    AvailableModelsAnswer,
    LoadedModelAnswer,
    LoadFields,
    PullFields,
    RemovedModelAnswer,
    UnloadedModelAnswer,
)
from lianpu.models.shelf import Shelf

router = APIRouter(prefix="/api/v1/models", tags=["system"])


@dataclass(frozen=True, slots=True)
class Models:
    """Packs as these routes see them."""

    shelf: Shelf
    pulls: PullRequests


async def _models(request: Request) -> Models:
    # Not `def`: FastAPI would send it through a thread.
    models: Models = request.app.state.models
    return models


ModelsDep = Annotated[Models, Depends(_models)]


@router.get("/available", dependencies=[requires(Scope.MODELS_READ)], responses=problems(422))
async def list_available(models: ModelsDep, request_id: RequestId) -> AvailableModelsAnswer:
    """The catalogue: packs that can be pulled, under which terms, from where. Asks no other server."""
    return AvailableModelsAnswer.of(await models.shelf.available(), request_id)


@router.post(
    "/pull",
    dependencies=[audited(Action.MODEL_PULL), requires(Scope.MODELS_MANAGE)],
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(400, 404, 409, 422, 503),
)
async def pull(
    body: PullFields, models: ModelsDep, jobs: JobsDep, note: AuditNoteDep, request_id: RequestId
) -> JobStartedAnswer:
    """Download a pack of the catalogue, check it and install it. Asking again while it runs gives the same job.

    The job counts bytes. It can be cancelled; it, or another pull of the same pack, goes on where it ended.
    """
    note.about(body.name, accept_licence=body.accept_licence)
    job = await models.pulls.pull(jobs, body.name, accept_licence=body.accept_licence)
    return JobStartedAnswer(job=JobAnswer.of(job), request_id=request_id)


@router.post(
    "/load",
    dependencies=[audited(Action.MODEL_LOAD), requires(Scope.MODELS_MANAGE)],
    responses=problems(400, 404, 422, 503),
)
async def load(body: LoadFields, models: ModelsDep, note: AuditNoteDep, request_id: RequestId) -> LoadedModelAnswer:
    """Load a face pack and its part of the gallery now rather than at its first use."""
    note.about(body.name)
    return LoadedModelAnswer.of(await models.shelf.load(body.name), request_id)


@router.post(
    "/unload",
    dependencies=[audited(Action.MODEL_UNLOAD), requires(Scope.MODELS_MANAGE)],
    responses=problems(400, 404, 409, 422),
)
async def unload(body: LoadFields, models: ModelsDep, note: AuditNoteDep, request_id: RequestId) -> UnloadedModelAnswer:
    """Free the memory of a pack; requests that have begun keep it. The default pack is refused (`pack_in_use`)."""
    note.about(body.name)
    return UnloadedModelAnswer.of(await models.shelf.unload(body.name), request_id)


@router.delete(
    "/{name}",
    dependencies=[audited(Action.MODEL_REMOVE), requires(Scope.MODELS_MANAGE)],
    responses=problems(404, 409, 422, 507),
)
async def remove(
    name: str,
    models: ModelsDep,
    note: AuditNoteDep,
    request_id: RequestId,
    force: Annotated[bool, Query(description="Although images of the gallery are embedded by it.")] = False,
) -> RemovedModelAnswer:
    """Delete an imported pack: `name@version`, or `name` where one version is installed.

    `pack_in_use`: it is the default pack, judges liveness, is embedded, or images are embedded by it and `force` is
    false.
    """
    note.about(force=force)
    return RemovedModelAnswer.of(await models.shelf.remove(name, force=force), request_id)
