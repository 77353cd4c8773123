"""What the API of images and inference takes and gives."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from lianpu.engines.image_header import ImageFormat
from lianpu.images.inference import Asked
from lianpu.images.models import InferenceResult, StoredImage
from lianpu.inference.model import MODEL_NAME_PATTERN
from lianpu.inference.offer import ModelSource, ModelState, ModelStatus
from lianpu.jobs.models import Job, JobStatus
from lianpu.jobs.schemas import JobError

IMAGES_PATH = "/api/v1/images"


class ImageAnswer(BaseModel):
    image_id: str = Field(examples=["0199a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b"])
    name: str = Field(description="As the file was called.", examples=["group.jpg"])
    media_type: str = Field(description="By its content, whatever its name says.", examples=["image/jpeg"])
    width: int = Field(description="Of the upright image; boxes in results are in its pixels.")
    height: int
    size_bytes: int
    sha256: str
    created_at: datetime
    content_url: str

    @classmethod
    def of(cls, image: StoredImage) -> "ImageAnswer":
        return cls(
            image_id=image.id,
            name=image.name,
            media_type=ImageFormat(image.format).media_type,
            width=image.width,
            height=image.height,
            size_bytes=image.size_bytes,
            sha256=image.sha256,
            created_at=image.created_at,
            content_url=f"{IMAGES_PATH}/{image.id}/content",
        )


class ImageOnlyAnswer(BaseModel):
    image: ImageAnswer
    request_id: str


class ImageListAnswer(BaseModel):
    images: list[ImageAnswer]
    total: int
    skip: int
    limit: int
    request_id: str


class InferenceModelAnswer(BaseModel):
    name: str = Field(examples=["face-analysis"])
    title: str
    version: str
    description: str
    licence: str = Field(description="Of the weights; empty where there are none or nothing is known.")
    source: ModelSource
    state: ModelState
    detail: str | None = Field(description="Why it cannot be used.")
    labels: list[str] | None = Field(description="Of a classifier: its classes.")
    parameters: dict[str, Any] = Field(description="JSON Schema of what a request may set.")
    is_loaded: bool

    @classmethod
    def of(cls, model: ModelStatus) -> "InferenceModelAnswer":
        return cls(
            name=model.name,
            title=model.title,
            version=model.version,
            description=model.description,
            licence=model.licence,
            source=model.source,
            state=model.state,
            detail=model.detail or None,
            labels=None if model.labels is None else list(model.labels),
            parameters=model.parameters,
            is_loaded=model.is_loaded,
        )


class InferenceModelListAnswer(BaseModel):
    models: list[InferenceModelAnswer]
    request_id: str


class InferenceFields(BaseModel):
    model_config = ConfigDict(extra="forbid")

    image_id: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    model: Annotated[str, Field(pattern=MODEL_NAME_PATTERN, examples=["face-analysis"])]
    parameters: dict[str, JsonValue] = Field(
        default_factory=dict[str, JsonValue], description="The model's own; its list entry has their schema."
    )

    def asked(self) -> Asked:
        return Asked(self.image_id, self.model, self.parameters)


class ResultAnswer(BaseModel):
    result_id: str
    image_id: str
    model: str
    model_version: str
    status: Literal["completed"] = "completed"
    parameters: dict[str, Any]
    output: dict[str, Any] = Field(description="Its fields depend on the model.")
    duration_ms: float = Field(description="Without loading or waiting.")
    created_at: datetime

    @classmethod
    def of(cls, result: InferenceResult) -> "ResultAnswer":
        return cls(
            result_id=result.id,
            image_id=result.image_id,
            model=result.model,
            model_version=result.model_version,
            parameters=result.parameters,
            output=result.output,
            duration_ms=round(result.duration_ms, 3),
            created_at=result.created_at,
        )


class ResultOnlyAnswer(BaseModel):
    result: ResultAnswer
    request_id: str


class ResultListAnswer(BaseModel):
    results: list[ResultAnswer]
    total: int
    skip: int
    limit: int
    request_id: str


class TaskAnswer(BaseModel):
    task_id: str = Field(description="Of its job too: `/api/v1/jobs/{job_id}` cancels it and tries it again.")
    image_id: str
    model: str
    status: JobStatus
    error: JobError | None = Field(description="Of a failed task.")
    result_url: str | None = Field(description="Of a completed task.")
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "TaskAnswer":
        return cls(
            task_id=job.id,
            image_id=job.parameters["image_id"],
            model=job.parameters["model"],
            status=JobStatus(job.status),
            error=None if job.error is None else JobError(**job.error),
            result_url=None if job.result is None else f"{IMAGES_PATH}/inference/{job.result['result_id']}",
            created_at=job.created_at,
            finished_at=job.finished_at,
        )


class TaskOnlyAnswer(BaseModel):
    task: TaskAnswer
    request_id: str


class TaskListAnswer(BaseModel):
    tasks: list[TaskAnswer]
    total: int
    skip: int
    limit: int
    request_id: str
