"""`/health`, `/api/status` and `/api/v1/models`: is it well, what is it made of, what can it use."""

import asyncio
import time
from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

import lianpu
from lianpu.bootstrap import Platform
from lianpu.http.problems import request_id_of
from lianpu.packs.manifest import Roles
from lianpu.packs.metric import Metric, score_of
from lianpu.packs.registry import PackStatus

router = APIRouter(tags=["system"])


class HealthAnswer(BaseModel):
    status: Literal["ok", "unavailable"]
    checks: dict[str, str] = Field(examples=[{"database": "ok", "pack": "ok"}])


class LicenceAnswer(BaseModel):
    id: str
    commercial: bool
    acceptance: bool
    url: str | None


class RolesAnswer(BaseModel):
    """The engine of each role; null where the pack has none."""

    detector: str | None
    landmarks: str | None
    embedder: str | None


class ModelAnswer(BaseModel):
    """One pack."""

    name: str = Field(examples=["dlib"])
    version: str = Field(examples=["1"])
    summary: str
    state: str = Field(examples=["ready"])
    detail: str | None = Field(description="Why the pack is not ready, and what to do.")
    is_default: bool
    licence: LicenceAnswer | None
    roles: RolesAnswer | None
    metric: Metric | None
    dimension: int | None = Field(description="Known once the pack is loaded.")
    threshold: float | None = Field(description="Recommended 1:N threshold as a score 0…1.")
    raw_threshold: float | None = Field(description="The same in the pack's metric.")
    size_bytes: int
    provider: str | None = Field(description="What runs it; null until the pack is loaded.")


class ModelsAnswer(BaseModel):
    models: list[ModelAnswer]
    request_id: str


class GalleryCounts(BaseModel):
    persons: int
    images: int
    embeddings: int


class RuntimeAnswer(BaseModel):
    provider: str
    reason: str
    threads: int


class QueueAnswer(BaseModel):
    workers: int
    capacity: int
    running: int
    waiting: int
    completed_total: int
    rejected_total: int


class StatusAnswer(BaseModel):
    version: str
    uptime_s: float
    home: str
    default_pack: str
    gallery: GalleryCounts
    indexes: dict[str, int] = Field(description="Embeddings in memory by `pack@version`.")
    packs: list[ModelAnswer]
    runtime: RuntimeAnswer
    queue: QueueAnswer
    request_id: str


@router.get("/health/live")
async def live() -> HealthAnswer:
    """The process answers."""
    return HealthAnswer(status="ok", checks={})


@router.get("/health", responses={503: {"model": HealthAnswer}})
@router.get("/health/ready", responses={503: {"model": HealthAnswer}})
async def ready(request: Request, response: Response) -> HealthAnswer:
    """The database answers and the default pack is loaded; 503 otherwise, saying which is not."""
    checks = await _platform(request).checks()
    if all(state == "ok" for state in checks.values()):
        return HealthAnswer(status="ok", checks=checks)
    response.status_code = 503
    return HealthAnswer(status="unavailable", checks=checks)


@router.get("/api/v1/models")
async def models(request: Request) -> ModelsAnswer:
    """All packs: installed, usable, of which licence, and how they compare faces."""
    return ModelsAnswer(models=await _models(_platform(request)), request_id=request_id_of(request))


@router.get("/api/status")
async def status(request: Request) -> StatusAnswer:
    """Versions, packs, provider, queue and gallery in one look."""
    platform = _platform(request)
    persons, images, embeddings = await platform.gallery.persons.counts()
    choice = platform.sessions.choice
    numbers: dict[str, Any] = asdict(platform.queue.numbers)
    return StatusAnswer(
        version=lianpu.__version__,
        uptime_s=round(time.monotonic() - platform.started_at, 1),
        home=str(platform.settings.home),
        default_pack=platform.settings.packs.default,
        gallery=GalleryCounts(persons=persons, images=images, embeddings=embeddings),
        indexes={f"{name}@{version}": size for (name, version), size in platform.gallery.indexes.sizes().items()},
        packs=await _models(platform),
        runtime=RuntimeAnswer(provider=choice.chosen[0], reason=choice.reason, threads=platform.sessions.threads),
        queue=QueueAnswer(**{field: numbers[field] for field in QueueAnswer.model_fields}),
        request_id=request_id_of(request),
    )


async def _models(platform: Platform) -> list[ModelAnswer]:
    statuses = await asyncio.to_thread(platform.registry.list)
    return [_model(platform, item) for item in statuses]


def _model(platform: Platform, item: PackStatus) -> ModelAnswer:
    manifest = item.manifest
    analyzer = platform.gallery.analyzers.loaded().get(item.name)
    embedder = manifest.roles.embedder if manifest is not None else None
    return ModelAnswer(
        name=item.name,
        version=item.version,
        summary="" if manifest is None else manifest.summary,
        state=item.state.value,
        detail=item.detail or None,
        is_default=item.name == platform.settings.packs.default,
        licence=None if manifest is None else LicenceAnswer(**manifest.licence.model_dump()),
        roles=None if manifest is None else _roles(manifest.roles),
        metric=None if embedder is None else embedder.metric,
        dimension=None if analyzer is None else analyzer.dimension,
        threshold=None if embedder is None else round(score_of(embedder.metric, embedder.threshold), 6),
        raw_threshold=None if embedder is None else embedder.threshold,
        size_bytes=item.size_bytes,
        provider=None if analyzer is None else analyzer.providers[0],
    )


def _roles(roles: Roles) -> RolesAnswer:
    return RolesAnswer(
        detector=None if roles.detector is None else roles.detector.engine,
        landmarks=None if roles.landmarks is None else roles.landmarks.engine,
        embedder=None if roles.embedder is None else roles.embedder.engine,
    )


def _platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform
