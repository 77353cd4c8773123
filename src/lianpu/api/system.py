"""`/api/status` and `/api/v1/models`: what the server is made of, and what it can use."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

import lianpu
from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.api.installation import Installation, InstallationAnswer
from lianpu.bootstrap import Platform
from lianpu.gallery.packs.coverage import CoverageByPack
from lianpu.gallery.packs.schemas import CoverageAnswer
from lianpu.http.problems import request_id_of
from lianpu.packs.folder import split_name
from lianpu.packs.manifest import Roles
from lianpu.packs.metric import Metric, score_of
from lianpu.packs.registry import PackStatus

router = APIRouter(tags=["system"])


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
    liveness: str | None
    attributes: str | None


class ModelAnswer(BaseModel):
    """One pack."""

    name: str = Field(examples=["dlib"])
    version: str = Field(examples=["1"])
    summary: str
    state: str = Field(examples=["ready"])
    detail: str | None = Field(description="Why the pack is not ready, and what to do.")
    is_default: bool
    is_embedded: bool = Field(description="Part of the installation: it cannot be removed.")
    licence: LicenceAnswer | None
    roles: RolesAnswer | None
    metric: Metric | None
    dimension: int | None = Field(description="Known once the pack is loaded.")
    threshold: float | None = Field(description="Recommended 1:N threshold as a score 0…1.")
    raw_threshold: float | None = Field(description="The same in the pack's metric.")
    gallery_threshold: float | None = Field(description="This gallery's own, which goes before it; null: none is set.")
    size_bytes: int
    provider: str | None = Field(description="What runs it; null until the pack is loaded.")
    coverage: CoverageAnswer | None = Field(description="How much of the gallery it finds; null: it embeds no faces.")


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
    cpu_reason: str | None = Field(description="What runs networks on the CPU; null: they run elsewhere.")
    threads: int
    requested: list[str] = Field(description="As the settings name them.")
    available: list[str] = Field(description="What the installed ONNX Runtime offers.")
    missing: list[str] = Field(description="Asked for, and not running, each with the cause.")
    running: dict[str, int] = Field(description="Loaded networks by what their sessions say runs them.")
    device_id: int
    gpu_memory_bytes: int | None = Field(description="Most that one network may take of a GPU; null: no limit.")


class QueueAnswer(BaseModel):
    workers: int
    capacity: int
    running: int
    waiting: int
    completed_total: int
    rejected_total: int


class StatusAnswer(InstallationAnswer):
    version: str
    uptime_s: float
    home: str
    default_pack: str = Field(description="Name of the active pack.", examples=["dlib"])
    default_pack_version: str | None = Field(description="Null: that pack cannot be found.", examples=["1"])
    gallery: GalleryCounts
    indexes: dict[str, int] = Field(description="Embeddings in memory by `pack@version`.")
    index_reason: str = Field(description="How faces are looked for in them.")
    packs: list[ModelAnswer]
    runtime: RuntimeAnswer
    queue: QueueAnswer
    request_id: str


@router.get("/api/v1/models", dependencies=[requires(Scope.MODELS_READ)])
async def models(request: Request) -> ModelsAnswer:
    """All packs: installed, usable, of which licence, and how they compare faces."""
    platform = _platform(request)
    statuses = await asyncio.to_thread(platform.registry.list)
    return ModelsAnswer(models=await _models(platform, statuses), request_id=request_id_of(request))


@router.get("/api/status", dependencies=[requires(Scope.SYSTEM_READ)])
async def status(request: Request) -> StatusAnswer:
    """Versions, packs, provider, machine, queues, streams, disk, camera, engines and gallery in one look."""
    platform = _platform(request)
    installation: Installation = request.app.state.installation
    statuses = await asyncio.to_thread(platform.registry.list)
    persons, images, embeddings = await platform.gallery.persons.counts()
    numbers: dict[str, Any] = asdict(platform.queue.numbers)
    return StatusAnswer(
        **dict(await installation.status(statuses)),
        version=lianpu.__version__,
        uptime_s=round(time.monotonic() - platform.started_at, 1),
        home=str(platform.settings.home),
        default_pack=split_name(platform.gallery.analyzers.active)[0],
        default_pack_version=split_name(platform.gallery.analyzers.active)[1],
        gallery=GalleryCounts(persons=persons, images=images, embeddings=embeddings),
        indexes={f"{name}@{version}": size for (name, version), size in platform.gallery.indexes.sizes().items()},
        index_reason=platform.gallery.indexes.reason,
        packs=await _models(platform, statuses),
        runtime=_runtime(platform),
        queue=QueueAnswer(**{field: numbers[field] for field in QueueAnswer.model_fields}),
        request_id=request_id_of(request),
    )


def _runtime(platform: Platform) -> RuntimeAnswer:
    choice, settings = platform.sessions.choice, platform.settings.runtime
    return RuntimeAnswer(
        provider=choice.chosen[0],
        reason=choice.reason,
        cpu_reason=platform.sessions.cpu_reason,
        threads=platform.sessions.threads,
        requested=list(choice.requested),
        available=list(choice.available),
        missing=list(choice.missing),
        running=platform.sessions.running,
        device_id=settings.device_id,
        gpu_memory_bytes=settings.gpu_memory_bytes,
    )


async def _models(platform: Platform, statuses: Sequence[PackStatus]) -> list[ModelAnswer]:
    coverage = await platform.gallery.coverage.of_all()
    return [_model(platform, item, coverage) for item in statuses]


def _model(platform: Platform, item: PackStatus, coverage: CoverageByPack) -> ModelAnswer:
    manifest = item.manifest
    key = (item.name, item.version)
    analyzer = platform.gallery.analyzers.loaded().get(key)
    embedder = manifest.roles.embedder if manifest is not None else None
    return ModelAnswer(
        name=item.name,
        version=item.version,
        summary="" if manifest is None else manifest.summary,
        state=item.state.value,
        detail=item.detail or None,
        is_default=key == platform.gallery.analyzers.active_key,
        is_embedded=item.embedded,
        licence=None if manifest is None else LicenceAnswer(**manifest.licence.model_dump()),
        roles=None if manifest is None else _roles(manifest.roles),
        metric=None if embedder is None else embedder.metric,
        dimension=None if analyzer is None else analyzer.dimension,
        threshold=None if embedder is None else round(score_of(embedder.metric, embedder.threshold), 6),
        raw_threshold=None if embedder is None else embedder.threshold,
        gallery_threshold=platform.gallery.thresholds.of(key),
        size_bytes=item.size_bytes,
        provider=_provider(platform, item),
        coverage=None if manifest is not None and embedder is None else CoverageAnswer.of(coverage.of(key)),
    )


def _provider(platform: Platform, item: PackStatus) -> str | None:
    key = (item.name, item.version)
    analyzer = platform.gallery.analyzers.loaded().get(key)
    if analyzer is not None:
        return analyzer.providers[0]
    judging = platform.gallery.liveness.loaded()
    return judging.providers[0] if judging is not None and (judging.pack_name, judging.pack_version) == key else None


def _roles(roles: Roles) -> RolesAnswer:
    return RolesAnswer(
        detector=None if roles.detector is None else roles.detector.engine,
        landmarks=None if roles.landmarks is None else roles.landmarks.engine,
        embedder=None if roles.embedder is None else roles.embedder.engine,
        liveness=None if roles.liveness is None else roles.liveness.engine,
        attributes=None if roles.attributes is None else roles.attributes.engine,
    )


def _platform(request: Request) -> Platform:
    platform: Platform = request.app.state.platform
    return platform
