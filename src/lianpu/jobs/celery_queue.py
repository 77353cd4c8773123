"""The queue of jobs through a message broker (Redis, RabbitMQ) by Celery; the only module that knows it.

A message is acknowledged once its job has been left, and holds nothing but the job's id. Whatever the broker does (it
delivers twice, forgets, restarts), the claim in the table decides who runs a job, and workers look there now and then.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, cast
from urllib.parse import urlsplit

from lianpu.errors import SettingsError
from lianpu.jobs.queue import Take

QUEUE = "lianpu.jobs"
TASK = "lianpu.run_job"
KEY_PREFIX = "lianpu:"
LONGEST_JOB_S = 12 * 3600
"""A message that is not acknowledged for so long is delivered once more: harmless, so the figure is generous."""
CONNECT_S = 4.0
SEND_S = 10.0
STOP_S = 30.0
_log = logging.getLogger(__name__)


class CeleryQueue:
    is_brokered = True

    def __init__(self, url: str, *, queue: str = QUEUE) -> None:
        """
        Args:
            url: of the broker: redis://, rediss://, amqp:// or amqps://.
            queue: installations that share a broker need one each.

        Raises:
            SettingsError: Celery is not installed.
        """
        self._name = queue
        self._app = _application(url)
        self._app.conf.update(_configuration(url, queue))
        # They tell of every message; the log says of jobs when they begin and end, and why.
        for noisy in ("celery.worker.strategy", "celery.app.trace"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        self._waiting: deque[str] = deque()
        self._sending: asyncio.Task[None] | None = None
        self._is_away = False
        self._connection: Any = None
        self._worker: Any = None
        self._thread: threading.Thread | None = None
        self._is_stopping = threading.Event()
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def is_taking(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def announce(self, job_id: str) -> None:
        self._waiting.append(job_id)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.get_running_loop().create_task(self._send_all(), name="jobs-announcing")

    async def start(self, take: Take, *, concurrency: int) -> None:
        loop = asyncio.get_running_loop()
        # Celery's threads know nothing of it: who measures what is done here, for one.
        context = copy_context()
        self._is_stopping.clear()

        def run_job(job_id: object) -> None:
            context.copy().run(_wait_for, loop, self._called(take, str(job_id)))

        self._app.task(run_job, name=TASK, shared=False)
        self._app.finalize()
        self._worker = self._app.WorkController(
            pool=_pool_class(),
            concurrency=concurrency,
            without_mingle=True,
            without_gossip=True,
            without_heartbeat=True,
        )
        self._thread = threading.Thread(target=self._worker.start, name="jobs-celery", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        from celery.worker import state  # pyright: ignore[reportMissingTypeStubs]
        from kombu.asynchronous import set_event_loop  # pyright: ignore[reportMissingTypeStubs]

        if self._thread is None:
            return
        self._is_stopping.set()
        shared = cast(Any, state)
        # As Celery's own signal handlers do it. What is not acknowledged goes back to the broker.
        shared.should_stop = 0
        for call in self._calls:
            call.cancel()
        try:
            await asyncio.to_thread(self._join)
        finally:
            # What counts for the whole process: the next worker in it begins anew.
            shared.should_stop = None
            set_event_loop(cast(Any, None))
            self._thread = self._worker = None

    async def close(self) -> None:
        await self.stop()
        if self._sending is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CONNECT_S):
                    await self._sending
        await asyncio.to_thread(self._disconnect)
        self._app.close()

    async def _called(self, take: Take, job_id: str) -> None:
        call = cast("asyncio.Task[None]", asyncio.current_task())
        self._calls.add(call)
        try:
            if self._is_stopping.is_set():
                raise asyncio.CancelledError
            await take(job_id)
        finally:
            self._calls.discard(call)

    def _join(self) -> None:
        assert self._thread is not None
        deadline = time.monotonic() + STOP_S
        while self._thread.is_alive() and time.monotonic() < deadline:
            hub = getattr(self._worker, "hub", None)
            if hub is not None:
                # It looks whether it is to end between two messages; this is one.
                hub.call_soon(lambda: None)
            self._thread.join(0.1)
        if self._thread.is_alive():
            _log.warning("the broker's connection does not end in time")

    async def _send_all(self) -> None:
        while self._waiting:
            job_id = self._waiting.popleft()
            try:
                await asyncio.to_thread(self._send, job_id)
            except Exception as error:  # Celery passes on what each transport raises
                self._went_away(type(error).__name__)
                # Workers find them in the table.
                self._waiting.clear()
            else:
                self._is_away = False

    def _send(self, job_id: str) -> None:
        # Its own: Celery's pools are the process's, and closing them would close another queue's connection.
        self._connection = self._connection or self._app.connection_for_write()
        try:
            self._app.send_task(TASK, args=(job_id,), queue=self._name, connection=self._connection, ignore_result=True)
        except BaseException:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(Exception):  # as each transport likes; it is gone in any case
                self._connection.release()
            self._connection = None

    def _went_away(self, reason: str) -> None:
        if not self._is_away:
            self._is_away = True
            # The error's text may hold the address, and with it a password.
            _log.warning("the broker of jobs.broker does not take messages", extra={"reason": reason})


def _application(url: str) -> Any:
    """
    Raises:
        SettingsError: Celery is not installed.
    """
    try:
        from celery import Celery  # pyright: ignore[reportMissingTypeStubs]
    except ImportError as error:
        raise SettingsError(
            "jobs.broker names a broker, and the package for it is not installed: install lianpu[celery]."
        ) from error

    app: Any = cast(Any, Celery)("lianpu", set_as_current=False)
    # The setting's broker: Celery itself would believe variables of the environment more.
    app.connection_for_read = partial(app.connection_for_read, url)
    app.connection_for_write = partial(app.connection_for_write, url)
    return app


def _wait_for(loop: asyncio.AbstractEventLoop, call: Coroutine[Any, Any, None]) -> None:
    """In one of Celery's threads."""
    from celery.exceptions import Reject  # pyright: ignore[reportMissingTypeStubs]

    try:
        asyncio.run_coroutine_threadsafe(call, loop).result()
    except CancelledError as error:
        raise cast(Any, Reject)("this worker stops", requeue=True) from error


def _pool_class() -> Any:
    from celery.concurrency.thread import TaskPool  # pyright: ignore[reportMissingTypeStubs]

    class Threads(TaskPool):
        """Its threads know whose tasks they run, and need no application that counts for the whole process."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            app: Any = cast(Any, self).app
            self.executor = ThreadPoolExecutor(max_workers=self.limit, initializer=app.set_current)

    return Threads


def _configuration(url: str, name: str) -> dict[str, Any]:
    from kombu.entity import Queue  # pyright: ignore[reportMissingTypeStubs]

    is_redis = urlsplit(url).scheme in {"redis", "rediss"}
    # RabbitMQ closes the channel of whoever does not acknowledge in time; before 3.12 its own setting alone counts.
    arguments = None if is_redis else {"x-consumer-timeout": LONGEST_JOB_S * 1000}
    return {
        "task_queues": [cast(Any, Queue)(name, routing_key=name, durable=True, queue_arguments=arguments)],
        "task_default_queue": name,
        "task_default_exchange": name,
        "task_default_routing_key": name,
        "task_create_missing_queues": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "broker_connection_timeout": CONNECT_S,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": _redis_options() if is_redis else {"confirm_publish": True},
    }


def _redis_options() -> dict[str, Any]:
    return {
        "visibility_timeout": LONGEST_JOB_S,
        "global_keyprefix": KEY_PREFIX,
        "socket_connect_timeout": CONNECT_S,
        "socket_timeout": SEND_S,
    }
