"""A user's own images, and models run on them."""

from datetime import datetime
from typing import Any

from lianpu.client.answers.jobs import JobError
from lianpu.client.answers.record import Record


class Image(Record):
    image_id: str
    name: str
    """As the file was called."""
    media_type: str
    """By its content, whatever its name says."""
    width: int
    """Of the upright image; boxes in results are in its pixels."""
    height: int
    size_bytes: int
    sha256: str
    created_at: datetime
    content_url: str


class InferenceModel(Record):
    name: str
    title: str
    version: str
    description: str
    licence: str
    """Of the weights; empty where there are none or nothing is known."""
    source: str
    state: str
    detail: str | None
    """Why it cannot be used."""
    labels: tuple[str, ...] | None
    """Of a classifier: its classes."""
    parameters: dict[str, Any]
    """JSON Schema of what a request may set."""
    is_loaded: bool


class InferenceResult(Record):
    result_id: str
    image_id: str
    model: str
    model_version: str
    status: str = "completed"
    parameters: dict[str, Any]
    output: dict[str, Any]
    """Its fields depend on the model."""
    duration_ms: float
    """Without loading or waiting."""
    created_at: datetime


class InferenceTask(Record):
    task_id: str
    """Of its job too: `/api/v1/jobs/{job_id}` cancels it and tries it again."""
    image_id: str
    model: str
    status: str
    error: JobError | None
    """Of a failed task."""
    result_url: str | None
    """Of a completed task."""
    created_at: datetime
    finished_at: datetime | None
