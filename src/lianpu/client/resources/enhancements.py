"""Calls about photos made better."""

from collections.abc import Callable

from lianpu.client.answers import (
    Enhancement,
    EnhancementEngines,
    EnhancementEstimate,
    PushMessage,
    SubmittedEnhancement,
)
from lianpu.client.connection import Conversation
from lianpu.client.errors import JobFailedError
from lianpu.client.operation import conversation, download, event_stream, operation
from lianpu.client.request import Content, Download, EventStream, Json, Nothing, Request
from lianpu.client.resources.options import OutputFormat
from lianpu.client.resources.waiting import POLL_S, until
from lianpu.client.uploads import Source, Target, Upload


class EnhancementCalls:
    """Photos are held in memory alone, fetched once, and gone."""

    @operation
    def start(
        self,
        image: Source,
        *,
        enhancement_level: int | None = None,
        preserve_identity: bool | None = None,
        output_format: OutputFormat | None = None,
        restorer: str | None = None,
        upscaler: str | None = None,
        fidelity: float | None = None,
        identity_threshold: float | None = None,
        keep_gps: bool | None = None,
        time_budget_s: float | None = None,
    ) -> Request[SubmittedEnhancement]:
        """Enhance a photo. What is quick is answered when it is done (200), what is not becomes a task (202)."""
        return Request(
            "POST",
            "/api/v1/enhance",
            Json(SubmittedEnhancement),
            form={
                "enhancement_level": enhancement_level,
                "preserve_identity": preserve_identity,
                "output_format": output_format,
                "restorer": restorer,
                "upscaler": upscaler,
                "fidelity": fidelity,
                "identity_threshold": identity_threshold,
                "keep_gps": keep_gps,
                "time_budget_s": time_budget_s,
            },
            files=[("image", Upload(image))],
        )

    @operation
    def start_batch(
        self,
        archive: Source,
        *,
        enhancement_level: int | None = None,
        preserve_identity: bool | None = None,
        output_format: OutputFormat | None = None,
        restorer: str | None = None,
        upscaler: str | None = None,
        fidelity: float | None = None,
        identity_threshold: float | None = None,
        keep_gps: bool | None = None,
        time_budget_s: float | None = None,
    ) -> Request[SubmittedEnhancement]:
        """Enhance all photos of an archive; the result is one ZIP with the same folders, and a list of what failed."""
        return Request(
            "POST",
            "/api/v1/enhance/batch",
            Json(SubmittedEnhancement),
            form={
                "enhancement_level": enhancement_level,
                "preserve_identity": preserve_identity,
                "output_format": output_format,
                "restorer": restorer,
                "upscaler": upscaler,
                "fidelity": fidelity,
                "identity_threshold": identity_threshold,
                "keep_gps": keep_gps,
                "time_budget_s": time_budget_s,
            },
            files=[("archive", Upload(archive))],
        )

    @operation
    def estimate(
        self,
        image: Source,
        *,
        enhancement_level: int | None = None,
        preserve_identity: bool | None = None,
        output_format: OutputFormat | None = None,
        restorer: str | None = None,
        upscaler: str | None = None,
        fidelity: float | None = None,
        identity_threshold: float | None = None,
        keep_gps: bool | None = None,
        time_budget_s: float | None = None,
    ) -> Request[EnhancementEstimate]:
        """What an enhancement would give, with which engines, and how long it would take; nothing is decoded."""
        return Request(
            "POST",
            "/api/v1/enhance/estimate",
            Json(EnhancementEstimate),
            form={
                "enhancement_level": enhancement_level,
                "preserve_identity": preserve_identity,
                "output_format": output_format,
                "restorer": restorer,
                "upscaler": upscaler,
                "fidelity": fidelity,
                "identity_threshold": identity_threshold,
                "keep_gps": keep_gps,
                "time_budget_s": time_budget_s,
            },
            files=[("image", Upload(image))],
            is_safe_to_repeat=True,
        )

    @operation
    def engines(self) -> Request[EnhancementEngines]:
        """Restorers and upscalers that can be asked for, with their licences, and the limits of what is sent."""
        return Request("GET", "/api/v1/enhance/engines", Json(EnhancementEngines))

    @operation
    def get(self, enhancement_id: str) -> Request[Enhancement]:
        """How far it is, and each photo's steps; once `completed` it has a `result`, once `failed` an `error`."""
        return Request(
            "GET",
            "/api/v1/enhance/{enhancement_id}",
            Json(Enhancement, "enhancement"),
            path={"enhancement_id": enhancement_id},
        )

    @operation
    def clean(self, enhancement_id: str) -> Request[Enhancement]:
        """End it if it has not ended, and overwrite all of it now."""
        return Request(
            "DELETE",
            "/api/v1/enhance/{enhancement_id}",
            Json(Enhancement, "enhancement"),
            path={"enhancement_id": enhancement_id},
        )

    @operation
    def fetch(self, enhancement_id: str, retrieval_token: str) -> Request[bytes]:
        """The result, once: when all of it has left, it is overwritten. One that breaks off can be tried again."""
        return Request(
            "GET",
            "/api/v1/enhance/{enhancement_id}/result",
            Content(),
            path={"enhancement_id": enhancement_id},
            headers={"X-Retrieval-Token": retrieval_token},
        )

    @download
    def save(self, enhancement_id: str, retrieval_token: str, to: Target) -> Download:
        """The same, to a file."""
        request = Request(
            "GET",
            "/api/v1/enhance/{enhancement_id}/result",
            Content(),
            path={"enhancement_id": enhancement_id},
            headers={"X-Retrieval-Token": retrieval_token},
        )
        return Download(request, to)

    @conversation
    def wait(
        self,
        enhancement_id: str,
        *,
        timeout_s: float | None = None,
        poll_s: float = POLL_S,
        on_progress: Callable[[Enhancement], object] | None = None,
    ) -> Conversation[Enhancement]:
        """Until it is completed.

        Args:
            on_progress: called with each state that is seen, the last one too.

        Raises:
            JobFailedError: it failed, or was cleaned before it ended.
            WaitTimeoutError: it goes on after `timeout_s`.
        """
        ended = yield from until(
            lambda: EnhancementCalls.get.describe(self, enhancement_id),
            lambda state: state.finished_at is not None or state.cleaned_at is not None,
            timeout_s=timeout_s,
            poll_s=poll_s,
            on_progress=on_progress,
        )
        if ended.error is not None:
            raise JobFailedError(
                f"{ended.error.title} [{ended.error.code}]: {ended.error.detail}", code=ended.error.code
            )
        if ended.status != "completed":
            raise JobFailedError(f"The enhancement {enhancement_id} is {ended.status}.", code=ended.status)
        return ended

    @event_stream
    def events(self, *, last_event_id: int | None = None) -> EventStream[PushMessage]:
        """One's own photo enhancements as Server-Sent Events; `EventSource` sends the token as `?token=`."""
        return EventStream(
            Request("GET", "/api/v1/enhance/events", Nothing(), query={"last_event_id": last_event_id}), PushMessage
        )
