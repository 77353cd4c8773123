"""Inference on users' own images: at once, or as a task that is a job."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from lianpu.database.base import new_id, now_utc
from lianpu.database.session import Database
from lianpu.errors import ImageNotFoundError, JobNotFoundError
from lianpu.images.images import Images
from lianpu.images.models import InferenceResult, StoredImage
from lianpu.images.repository import ImageRepository
from lianpu.inference.offer import ModelStatus
from lianpu.inference.registry import InferenceRegistry
from lianpu.inference.running import InferenceResult as ModelResult
from lianpu.jobs.handler import RunningJob
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.models import Job
from lianpu.jobs.ownership import INFERENCE
from lianpu.runtime.scheduling import InferenceQueue


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be run on what."""

    image_id: str
    model: str
    parameters: Mapping[str, Any]


class Inference:
    def __init__(self, database: Database, images: Images, registry: InferenceRegistry, queue: InferenceQueue) -> None:
        self._database = database
        self._images = images
        self._registry = registry
        self._queue = queue

    async def models(self) -> Sequence[ModelStatus]:
        return await asyncio.to_thread(self._registry.list)

    async def run(self, owner_id: str, asked: Asked) -> InferenceResult:
        """
        Raises:
            ImageNotFoundError: the owner has no such image, or it was deleted meanwhile.
            BusyError: nobody is free to run it.
            what `InferenceRegistry.run` raises.
        """
        image = await self._images.get(owner_id, asked.image_id)
        made = await self._queue.run(self._run, image, asked)
        return await self._keep(new_id(), owner_id, asked, made)

    async def submit(self, jobs: Jobs, owner_id: str, asked: Asked, idempotency_key: str | None) -> Job:
        """A task; `jobs` as the owner sees them.

        Raises:
            ImageNotFoundError: the owner has no such image.
            IdempotencyError: the key belongs to another request.
            what `InferenceRegistry.check` raises.
        """
        await self._images.get(owner_id, asked.image_id)
        await asyncio.to_thread(self._registry.check, asked.model, asked.parameters)
        parameters = {"image_id": asked.image_id, "model": asked.model, "parameters": dict(asked.parameters)}
        return await jobs.submit(INFERENCE, parameters, idempotency_key=idempotency_key, total=1)

    async def task(self, jobs: Jobs, task_id: str) -> Job:
        """
        Raises:
            JobNotFoundError: the owner has no such task.
        """
        job = (await jobs.get(task_id)).job
        if job.kind != INFERENCE or not jobs.reads(job):
            raise JobNotFoundError(f"There is no task {task_id!r}.")
        return job

    async def tasks(self, jobs: Jobs, skip: int, limit: int) -> tuple[Sequence[Job], int]:
        """The owner's, newest first, and how many there are."""
        return await jobs.own(INFERENCE, skip, limit)

    async def result(self, owner_id: str, result_id: str) -> InferenceResult:
        """
        Raises:
            ResultNotFoundError: the owner has no such result.
        """
        async with self._database.session() as session:
            return await ImageRepository(session).result(owner_id, result_id)

    async def results(
        self, owner_id: str, image_id: str, skip: int, limit: int
    ) -> tuple[Sequence[InferenceResult], int]:
        """Of one image, newest first, and how many there are.

        Raises:
            ImageNotFoundError: the owner has no such image.
        """
        async with self._database.session() as session:
            repository = ImageRepository(session)
            await repository.image(owner_id, image_id)
            return await repository.results(image_id, skip, limit), await repository.result_count(image_id)

    async def run_task(self, owner_id: str, task_id: str, asked: Asked) -> None:
        """Once, however often it is called: the result has the task's id.

        Raises:
            what `run` raises, but no BusyError: it waits.
        """
        async with self._database.session() as session:
            repository = ImageRepository(session)
            if await repository.has_result(task_id):
                return
            image = await repository.image(owner_id, asked.image_id)
        made = await self._queue.run_patiently(self._run, image, asked)
        await self._keep(task_id, owner_id, asked, made)

    def _run(self, image: StoredImage, asked: Asked) -> ModelResult:
        """On an inference worker."""
        # A model that there is not, or wrong parameters, are told before the file is read.
        self._registry.check(asked.model, asked.parameters)
        return self._registry.run(asked.model, self._images.decoded(image).pixels, asked.parameters)

    async def _keep(self, result_id: str, owner_id: str, asked: Asked, made: ModelResult) -> InferenceResult:
        result = InferenceResult(
            id=result_id,
            owner_id=owner_id,
            image_id=asked.image_id,
            model=made.model_name,
            model_version=made.model_version,
            parameters=dict(asked.parameters),
            output=made.output,
            duration_ms=made.duration_ms,
            created_at=now_utc(),
        )
        async with self._database.session() as session:
            session.add(result)
            try:
                await session.commit()
            except IntegrityError as error:
                await session.rollback()
                repository = ImageRepository(session)
                if await repository.has_result(result_id):  # another worker was faster
                    return await repository.result(owner_id, result_id)
                raise ImageNotFoundError(f"There is no image {asked.image_id!r}: it was deleted meanwhile.") from error
        return result


class InferenceTask:
    """Runs jobs of the kind `images.inference`."""

    kind = INFERENCE

    def __init__(self, inference: Inference, turns: asyncio.Semaphore) -> None:
        """`turns`: inferences at once, of all jobs together."""
        self._inference = inference
        self._turns = turns

    async def run(self, job: RunningJob) -> dict[str, Any]:
        await job.report(0, 1)
        async with self._turns:
            await self._inference.run_task(job.owner_id or "", job.id, Asked(**job.parameters))
        await job.report(1, 1)
        return {"result_id": job.id}
