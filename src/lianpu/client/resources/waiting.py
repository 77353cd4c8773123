"""Waiting for something that the server works on."""

import time
from collections.abc import Callable
from typing import TypeVar

from lianpu.client.answers import JobError
from lianpu.client.connection import Conversation, Pause
from lianpu.client.errors import JobFailedError, WaitTimeoutError
from lianpu.client.request import Request

State = TypeVar("State")
POLL_S = 0.5


def until(
    ask: Callable[[], Request[State]],
    has_ended: Callable[[State], bool],
    *,
    timeout_s: float | None,
    poll_s: float,
    on_progress: Callable[[State], object] | None,
) -> Conversation[State]:
    """Ask again and again.

    Raises:
        WaitTimeoutError: it has not ended after `timeout_s`.
    """
    begun = time.monotonic()
    while True:
        state: State = yield ask()
        if on_progress is not None:
            on_progress(state)
        if has_ended(state):
            return state
        if timeout_s is not None and time.monotonic() - begun + poll_s > timeout_s:
            raise WaitTimeoutError(f"It has not ended within {timeout_s:g} s, and goes on.")
        yield Pause(poll_s)


def job_failed(status: str, error: JobError | None) -> JobFailedError:
    """What is raised for a job or task that ended with this status."""
    if error is None:
        return JobFailedError(f"It was {status}.", code=status)
    return JobFailedError(f"{error.title} [{error.code}]: {error.detail}", code=error.code)
