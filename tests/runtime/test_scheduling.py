"""The inference queue: bounded, ordered, cancellable, never in the event loop's way."""

import asyncio
import contextvars
import threading
import time

import pytest

from lianpu.errors import BusyError
from lianpu.runtime.scheduling import InferenceQueue


class Gate:
    """Blocking work that a test holds open and lets go."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.begun: list[object] = []

    def pass_through(self, value: object) -> object:
        self.begun.append(value)
        assert self.open.wait(5)
        return value


async def until(condition: object, timeout_s: float = 5.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        await asyncio.sleep(0.002)


def test_R_OPS_3_result_and_exception_come_back_to_the_caller() -> None:
    async def body() -> None:
        queue = InferenceQueue(workers=1, capacity=1)
        assert await queue.run(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await queue.run(divmod, 7, 0)
        assert queue.numbers.completed_total == 2
        await queue.close()

    asyncio.run(body())


def test_R_OPS_3_event_loop_stays_free_while_work_blocks() -> None:
    async def body() -> None:
        queue = InferenceQueue(workers=2, capacity=2)
        work = [asyncio.create_task(queue.run(time.sleep, 0.3)) for _ in range(4)]
        longest_s = 0.0
        while not all(task.done() for task in work):
            before = time.monotonic()
            await asyncio.sleep(0.005)
            longest_s = max(longest_s, time.monotonic() - before)
        assert longest_s < 0.2
        assert queue.numbers.busy_s_total >= 4 * 0.29
        assert 2 * 0.25 <= queue.numbers.wait_s_total < 4
        await queue.close()

    asyncio.run(body())


def test_R_OPS_3_beyond_workers_and_capacity_it_is_busy_at_once() -> None:
    async def body() -> None:
        queue, gate = InferenceQueue(workers=2, capacity=3), Gate()
        taken = [asyncio.create_task(queue.run(gate.pass_through, n)) for n in range(5)]
        await until(lambda: queue.numbers.running == 2)
        assert queue.numbers.waiting == 3
        before = time.monotonic()
        with pytest.raises(BusyError) as busy:
            await queue.run(gate.pass_through, "too many")
        assert time.monotonic() - before < 0.1
        assert busy.value.retry_after_s is not None
        assert busy.value.retry_after_s >= 1
        assert queue.numbers.rejected_total == 1
        gate.open.set()
        assert await asyncio.gather(*taken) == [0, 1, 2, 3, 4]
        assert gate.begun[2:] == [2, 3, 4], "waiting work begins in the order it came"
        numbers = queue.numbers
        assert (numbers.running, numbers.waiting, numbers.completed_total) == (0, 0, 5)
        await queue.close()

    asyncio.run(body())


def test_R_OPS_3_cancelling_takes_waiting_work_out_and_frees_its_place() -> None:
    async def body() -> None:
        queue, gate = InferenceQueue(workers=1, capacity=1), Gate()
        running = asyncio.create_task(queue.run(gate.pass_through, "running"))
        await until(lambda: queue.numbers.running == 1)
        for _ in range(3):
            waiting = asyncio.create_task(queue.run(gate.pass_through, "cancelled"))
            await until(lambda: queue.numbers.waiting == 1)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert queue.numbers.waiting == 0
        last = asyncio.create_task(queue.run(gate.pass_through, "last"))
        gate.open.set()
        assert await running == "running"
        assert await last == "last"
        assert gate.begun == ["running", "last"]
        assert queue.numbers.cancelled_total == 3
        assert queue.numbers.completed_total == 2
        await queue.close()

    asyncio.run(body())


def test_R_OPS_3_begun_work_keeps_its_worker_when_the_caller_gives_up() -> None:
    async def body() -> None:
        queue, gate = InferenceQueue(workers=1, capacity=0), Gate()
        given_up = asyncio.create_task(queue.run(gate.pass_through, "begun"))
        await until(lambda: queue.numbers.running == 1)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
        assert queue.numbers.running == 1
        with pytest.raises(BusyError):
            await queue.run(gate.pass_through, "no room yet")
        gate.open.set()
        await until(lambda: queue.numbers.running == 0)
        assert await queue.run(gate.pass_through, "room") == "room"
        await queue.close()

    asyncio.run(body())


def test_R_OPS_3_close_drains_and_takes_no_more() -> None:
    async def body() -> None:
        queue, gate = InferenceQueue(workers=1, capacity=4), Gate()
        taken = [asyncio.create_task(queue.run(gate.pass_through, n)) for n in range(3)]
        await until(lambda: queue.numbers.running == 1)
        closing = asyncio.create_task(queue.close())
        await asyncio.sleep(0.02)
        assert not closing.done()
        with pytest.raises(BusyError):
            await queue.run(gate.pass_through, "late")
        gate.open.set()
        await closing
        assert await asyncio.gather(*taken) == [0, 1, 2]
        await queue.close()

    asyncio.run(body())


def test_R_OPS_3_work_sees_the_callers_context() -> None:
    request_id = contextvars.ContextVar("request_id", default="none")

    async def body() -> None:
        queue = InferenceQueue(workers=1, capacity=0)
        request_id.set("r-1")
        assert await queue.run(request_id.get) == "r-1"
        await queue.close()

    asyncio.run(body())


def test_R_OPS_3_numbers_hold_under_a_storm_of_cancellations() -> None:
    async def body() -> None:
        queue = InferenceQueue(workers=3, capacity=20)
        outcomes: list[str] = []

        async def one(n: int) -> None:
            try:
                await asyncio.wait_for(queue.run(time.sleep, 0.002), 0.004 if n % 3 else None)
                outcomes.append("done")
            except TimeoutError:
                outcomes.append("cancelled")
            except BusyError:
                outcomes.append("busy")

        for wave in range(10):
            await asyncio.gather(*(one(wave + n) for n in range(40)))
        await queue.close()
        numbers = queue.numbers
        assert (numbers.running, numbers.waiting) == (0, 0)
        assert len(outcomes) == 400
        assert numbers.rejected_total == outcomes.count("busy")
        assert numbers.completed_total + numbers.cancelled_total + numbers.rejected_total == 400
        assert numbers.completed_total >= outcomes.count("done")

    asyncio.run(body())


@pytest.mark.parametrize(("workers", "capacity"), [(0, 1), (1, -1)])
def test_R_OPS_3_senseless_sizes_are_refused(workers: int, capacity: int) -> None:
    with pytest.raises(ValueError, match="worker"):
        InferenceQueue(workers, capacity)
