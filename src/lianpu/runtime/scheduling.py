"""A bounded queue in front of CPU work, so that inference never blocks the event loop."""

import asyncio
import contextvars
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar

from lianpu.errors import BusyError

P = ParamSpec("P")
T = TypeVar("T")
_MAX_RETRY_AFTER_S = 60
_PATIENCE_S = 0.25


@dataclass(frozen=True, slots=True)
class QueueNumbers:
    """One reading of an `InferenceQueue`; the totals count from its making."""

    workers: int
    capacity: int
    running: int
    waiting: int
    completed_total: int
    """Work that ran to its end, with a result or an exception."""
    rejected_total: int
    cancelled_total: int
    """Work whose caller gave up before it began."""
    wait_s_total: float
    """Time that begun work had waited before."""
    busy_s_total: float
    """Time that completed work took on its worker."""


@dataclass(frozen=True, slots=True)
class _Work:
    call: Callable[[], Any]
    queued_at: float


class InferenceQueue:
    """Runs blocking functions on its own threads: at most `workers` at once, at most `capacity` waiting, in order.

    May be used from any event loop and any thread.
    """

    def __init__(self, workers: int, capacity: int) -> None:
        if workers < 1 or capacity < 0:
            raise ValueError("an inference queue needs at least one worker and a capacity of 0 or more")
        self._workers = workers
        self._capacity = capacity
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="inference")
        self._lock = threading.Lock()
        self._waiting: dict[Future[Any], _Work] = {}
        self._running = 0
        self._completed = 0
        self._rejected = 0
        self._cancelled = 0
        self._wait_s = 0.0
        self._busy_s = 0.0
        self._closed = False

    @property
    def numbers(self) -> QueueNumbers:
        with self._lock:
            return QueueNumbers(
                workers=self._workers,
                capacity=self._capacity,
                running=self._running,
                waiting=len(self._waiting),
                completed_total=self._completed,
                rejected_total=self._rejected,
                cancelled_total=self._cancelled,
                wait_s_total=self._wait_s,
                busy_s_total=self._busy_s,
            )

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a blocking function on a worker and return its result.

        Cancelling the awaiting task takes waiting work out of the queue; work that has begun runs to its end, its
        result dropped, because a network cannot be interrupted.

        Raises:
            BusyError: all workers are busy and the queue is full, or it is closed; `retry_after_s` estimates when
                there may be room.
        """
        # The context carries the request id into the worker's log lines.
        call = partial(contextvars.copy_context().run, partial(function, *args, **kwargs))
        return await asyncio.wrap_future(self._enqueue(call))

    async def run_patiently(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`run` for background work: where there is no room it tries again until there is.

        Raises:
            BusyError: the queue is closed.
        """
        while True:
            try:
                return await self.run(function, *args, **kwargs)
            except BusyError:
                if self._closed:
                    raise
                await asyncio.sleep(_PATIENCE_S)

    async def close(self) -> None:
        """Take no more work, and return when everything taken before is done. Closing twice is harmless."""
        with self._lock:
            self._closed = True
        await asyncio.to_thread(self._threads.shutdown, wait=True)

    def _enqueue(self, call: Callable[[], T]) -> Future[T]:
        with self._lock:
            if self._closed:
                raise BusyError("The server is shutting down.", retry_after_s=5)
            if self._running + len(self._waiting) >= self._workers + self._capacity:
                self._rejected += 1
                raise BusyError(
                    f"All {self._workers} workers are busy and {len(self._waiting)} requests wait already; try again.",
                    retry_after_s=self._room_expected_s(),
                )
            future: Future[T] = Future()
            self._waiting[future] = _Work(call, time.monotonic())
            future.add_done_callback(self._forget_if_cancelled)
            # Inside the lock, so that close() cannot shut the threads down in between.
            self._threads.submit(self._run_next)
        return future

    def _room_expected_s(self) -> int:
        mean_s = self._busy_s / self._completed if self._completed else 1.0
        return min(_MAX_RETRY_AFTER_S, max(1, math.ceil(mean_s * (len(self._waiting) + 1) / self._workers)))

    def _run_next(self) -> None:
        """On a worker thread: run the oldest waiting work; nothing where a cancelled one left its turn behind."""
        with self._lock:
            if not self._waiting:
                return
            future = next(iter(self._waiting))
            work = self._waiting.pop(future)
            if not future.set_running_or_notify_cancel():
                return
            started = time.monotonic()
            self._running += 1
            self._wait_s += started - work.queued_at
        # The numbers are settled before the caller wakes, so that it reads true ones.
        try:
            result = work.call()
        except BaseException as error:  # handed to the caller, whatever it is
            self._settle(started)
            future.set_exception(error)
        else:
            self._settle(started)
            future.set_result(result)

    def _settle(self, started: float) -> None:
        with self._lock:
            self._running -= 1
            self._completed += 1
            self._busy_s += time.monotonic() - started

    def _forget_if_cancelled(self, future: Future[Any]) -> None:
        if future.cancelled():
            with self._lock:
                self._cancelled += 1
                self._waiting.pop(future, None)
