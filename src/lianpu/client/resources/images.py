"""Calls about a user's own images, and models run on them."""

from collections.abc import Callable, Mapping
from typing import Any

from lianpu.client.answers import Image, InferenceModel, InferenceResult, InferenceTask, PushMessage
from lianpu.client.connection import Conversation
from lianpu.client.operation import conversation, event_stream, listing, operation
from lianpu.client.request import Content, EventStream, Json, Listing, Nothing, Request, given
from lianpu.client.resources.waiting import POLL_S, job_failed, until
from lianpu.client.uploads import Source, Upload


class ImageCalls:
    """One's own images: seen by nobody else."""

    @operation
    def upload(self, file: Source) -> Request[Image]:
        """Store an image of one's own. Its type is that of its content; limits hold while it arrives."""
        return Request("POST", "/api/v1/images/upload", Json(Image, "image"), files=[("file", Upload(file))])

    @listing
    def list(self, *, page_size: int | None = None) -> Listing[Image]:
        """One's own images, newest first."""
        return Listing(
            Request("GET", "/api/v1/images/", Json(tuple[Image, ...], "images"), query={"limit": page_size}),
            by_number=True,
        )

    @operation
    def get(self, image_id: str) -> Request[Image]:
        """One of the own images."""
        return Request("GET", "/api/v1/images/{image_id}", Json(Image, "image"), path={"image_id": image_id})

    @operation
    def delete(self, image_id: str) -> Request[None]:
        """Delete the image with its file and all results. Tasks that wait for it fail with `image_not_found`."""
        return Request("DELETE", "/api/v1/images/{image_id}", Nothing(), path={"image_id": image_id})

    @operation
    def content(self, image_id: str) -> Request[bytes]:
        """The image, byte for byte as it was uploaded."""
        return Request("GET", "/api/v1/images/{image_id}/content", Content(), path={"image_id": image_id})

    @operation
    def thumbnail(self, image_id: str) -> Request[bytes]:
        """The whole image as a small JPEG."""
        return Request("GET", "/api/v1/images/{image_id}/thumbnail", Content(), path={"image_id": image_id})

    @listing
    def results(self, image_id: str, *, page_size: int | None = None) -> Listing[InferenceResult]:
        """What models made of the image, newest first."""
        return Listing(
            Request(
                "GET",
                "/api/v1/images/{image_id}/results",
                Json(tuple[InferenceResult, ...], "results"),
                path={"image_id": image_id},
                query={"limit": page_size},
            ),
            by_number=True,
        )


class InferenceCalls:
    """Models run on images that were uploaded."""

    @operation
    def models(self) -> Request[tuple[InferenceModel, ...]]:
        """Models that images can be sent through: built in, of installed packages, and dropped-in folders."""
        return Request("GET", "/api/v1/images/inference/models", Json(tuple[InferenceModel, ...], "models"))

    @operation
    def run(
        self, image_id: str, model: str, *, parameters: Mapping[str, Any] | None = None
    ) -> Request[InferenceResult]:
        """Run a model on an image and wait for the result, which is kept with the image."""
        return Request(
            "POST",
            "/api/v1/images/inference",
            Json(InferenceResult, "result"),
            json=given({"image_id": image_id, "model": model, "parameters": parameters}),
        )

    @operation
    def start(
        self,
        image_id: str,
        model: str,
        *,
        idempotency_key: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Request[InferenceTask]:
        """Run a model on an image in the background; `WS /api/v1/ws/inference` tells when it is done."""
        return Request(
            "POST",
            "/api/v1/images/inference/async",
            Json(InferenceTask, "task"),
            headers={"Idempotency-Key": idempotency_key},
            json=given({"image_id": image_id, "model": model, "parameters": parameters}),
            is_safe_to_repeat=idempotency_key is not None,
        )

    @listing
    def tasks(self, *, page_size: int | None = None) -> Listing[InferenceTask]:
        """One's own tasks, newest first, as long as their jobs are kept."""
        return Listing(
            Request(
                "GET",
                "/api/v1/images/inference/tasks",
                Json(tuple[InferenceTask, ...], "tasks"),
                query={"limit": page_size},
            ),
            by_number=True,
        )

    @operation
    def task(self, task_id: str) -> Request[InferenceTask]:
        """`pending`, `processing`, `completed` with `result_url`, `failed` with `error`, or `cancelled`."""
        return Request(
            "GET", "/api/v1/images/inference/tasks/{task_id}", Json(InferenceTask, "task"), path={"task_id": task_id}
        )

    @operation
    def result(self, result_id: str) -> Request[InferenceResult]:
        """What a model made of an image."""
        return Request(
            "GET",
            "/api/v1/images/inference/{result_id}",
            Json(InferenceResult, "result"),
            path={"result_id": result_id},
        )

    @conversation
    def wait(
        self,
        task_id: str,
        *,
        timeout_s: float | None = None,
        poll_s: float = POLL_S,
        on_progress: Callable[[InferenceTask], object] | None = None,
    ) -> Conversation[InferenceTask]:
        """Until it has ended well.

        Args:
            on_progress: called with each state that is seen, the last one too.

        Raises:
            JobFailedError: it failed or was cancelled.
            WaitTimeoutError: it goes on after `timeout_s`.
        """
        ended = yield from until(
            lambda: InferenceCalls.task.describe(self, task_id),
            lambda state: state.finished_at is not None,
            timeout_s=timeout_s,
            poll_s=poll_s,
            on_progress=on_progress,
        )
        if ended.status != "completed":
            raise job_failed(ended.status, ended.error)
        return ended

    @event_stream
    def events(self, *, last_event_id: int | None = None) -> EventStream[PushMessage]:
        """One's own inference tasks as Server-Sent Events; `EventSource` sends the token as `?token=`."""
        return EventStream(
            Request("GET", "/api/v1/images/inference/events", Nothing(), query={"last_event_id": last_event_id}),
            PushMessage,
        )
