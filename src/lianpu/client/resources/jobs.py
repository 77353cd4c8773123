"""Calls about what takes long."""

from collections.abc import Callable
from typing import Literal

from lianpu.client.answers import Job, JobItem, PushMessage
from lianpu.client.connection import Conversation
from lianpu.client.operation import conversation, event_stream, listing, operation
from lianpu.client.request import EventStream, Json, Listing, Nothing, Request
from lianpu.client.resources.waiting import POLL_S, job_failed, until


class JobCalls:
    """One's own jobs; with `jobs:manage` everybody's."""

    @listing
    def list(
        self,
        *,
        kind: str | None = None,
        status: Literal["pending", "processing", "completed", "failed", "cancelled"] | None = None,
        page_size: int | None = None,
    ) -> Listing[Job]:
        """One's own jobs, with `jobs:manage` everybody's; newest first."""
        return Listing(
            Request(
                "GET",
                "/api/v1/jobs",
                Json(tuple[Job, ...], "jobs"),
                query={"kind": kind, "status": status, "limit": page_size},
            ),
        )

    @operation
    def get(self, job_id: str) -> Request[Job]:
        """How far it is, and what came of it."""
        return Request("GET", "/api/v1/jobs/{job_id}", Json(Job, "job"), path={"job_id": job_id})

    @listing
    def items(self, job_id: str, *, status: str | None = None, page_size: int | None = None) -> Listing[JobItem]:
        """What became of each item, in the order of the job."""
        return Listing(
            Request(
                "GET",
                "/api/v1/jobs/{job_id}/items",
                Json(tuple[JobItem, ...], "items"),
                path={"job_id": job_id},
                query={"status": status, "limit": page_size},
            ),
        )

    @operation
    def cancel(self, job_id: str) -> Request[Job]:
        """End it: at once while it waits, else at its next step. What is done stays done."""
        return Request("POST", "/api/v1/jobs/{job_id}/cancel", Json(Job, "job"), path={"job_id": job_id})

    @operation
    def retry(self, job_id: str) -> Request[Job]:
        """Go on with a failed or cancelled job where it ended, or try the failed items of a completed one again."""
        return Request("POST", "/api/v1/jobs/{job_id}/retry", Json(Job, "job"), path={"job_id": job_id})

    @operation
    def delete(self, job_id: str) -> Request[None]:
        """Clear an ended job away, with its items and files."""
        return Request("DELETE", "/api/v1/jobs/{job_id}", Nothing(), path={"job_id": job_id})

    @conversation
    def wait(
        self,
        job_id: str,
        *,
        timeout_s: float | None = None,
        poll_s: float = POLL_S,
        on_progress: Callable[[Job], object] | None = None,
    ) -> Conversation[Job]:
        """Until it has ended well.

        Args:
            on_progress: called with each state that is seen, the last one too.

        Raises:
            JobFailedError: it failed or was cancelled.
            WaitTimeoutError: it goes on after `timeout_s`.
        """
        ended = yield from until(
            lambda: JobCalls.get.describe(self, job_id),
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
        """One's own jobs, with `jobs:manage` everybody's, as Server-Sent Events."""
        return EventStream(
            Request("GET", "/api/v1/jobs/events", Nothing(), query={"last_event_id": last_event_id}), PushMessage
        )
