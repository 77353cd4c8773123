"""The inference queue as metrics."""

from collections.abc import Iterable

from prometheus_client.core import Metric

from lianpu.observability.metrics import Read, counter, gauge
from lianpu.runtime.scheduling import InferenceQueue


def queue_reading(queue: InferenceQueue) -> Read:
    async def read() -> Iterable[Metric]:
        numbers = queue.numbers
        outcomes = {
            ("completed",): float(numbers.completed_total),
            ("rejected",): float(numbers.rejected_total),
            ("cancelled",): float(numbers.cancelled_total),
        }
        return [
            gauge("lianpu_inference_queue_workers", "Threads that run inference.", numbers.workers),
            gauge("lianpu_inference_queue_capacity", "Calls that may wait.", numbers.capacity),
            gauge("lianpu_inference_queue_running", "Calls that run.", numbers.running),
            gauge("lianpu_inference_queue_waiting", "Calls that wait.", numbers.waiting),
            counter("lianpu_inference_queue_calls", "Calls, by what became of them.", outcomes, ("outcome",)),
            counter("lianpu_inference_queue_wait_seconds", "Time that calls waited.", numbers.wait_s_total),
            counter("lianpu_inference_queue_busy_seconds", "Time that calls took.", numbers.busy_s_total),
        ]

    return read
