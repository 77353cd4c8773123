"""The numbers of one moment, as the console draws them."""

import asyncio
import time

from lianpu.jobs.jobs import Jobs
from lianpu.observability.history import Point
from lianpu.observability.instruments import Instruments
from lianpu.observability.machine import Processor, gpus, machine_numbers, process_numbers
from lianpu.observability.stages import Stage
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.streams.streams import Streams

NETWORKS = frozenset(
    {
        Stage.DETECT,
        Stage.LANDMARKS,
        Stage.EMBED,
        Stage.LIVENESS,
        Stage.ATTRIBUTES,
        Stage.INFER,
        Stage.RESTORE,
        Stage.UPSCALE,
        Stage.SWAP,
    }
)
"""The stages that run a network."""


class Moments:
    """Remembers the totals of the moment before: what is drawn is what happened in between."""

    def __init__(self, instruments: Instruments, queue: InferenceQueue, jobs: Jobs, streams: Streams) -> None:
        self._instruments = instruments
        self._queue = queue
        self._jobs = jobs
        self._streams = streams
        self._processor = Processor()
        self._cpu_s = process_numbers().cpu_seconds
        self._http = instruments.http.totals
        self._inferences = self._inference_totals()

    async def take(self, elapsed_s: float) -> Point:
        """`elapsed_s`: since the moment before."""
        machine, process, cards = await asyncio.to_thread(
            lambda: (machine_numbers(self._processor), process_numbers(), gpus().numbers())
        )
        jobs_waiting = await self._jobs.waiting()
        cpu_s, self._cpu_s = process.cpu_seconds - self._cpu_s, process.cpu_seconds
        http = self._instruments.http.totals
        requests, request_s = http.requests - self._http.requests, http.seconds - self._http.seconds
        self._http = http
        runs_before, seconds_before = self._inferences
        self._inferences = self._inference_totals()
        runs, seconds = self._inferences[0] - runs_before, self._inferences[1] - seconds_before
        busy = [card.busy_share for card in cards if card.busy_share is not None]
        queue = self._queue.numbers
        return Point(
            at=round(time.time(), 3),
            cpu_share=round(machine.cpu_share, 4),
            process_cpu_share=round(min(1.0, cpu_s / elapsed_s / machine.cores), 4),
            memory_used_bytes=machine.memory_used_bytes,
            process_memory_bytes=process.resident_bytes,
            gpu_busy_share=max(busy, default=None),
            gpu_memory_used_bytes=sum(card.memory_used_bytes for card in cards) if cards else None,
            queue_waiting=queue.waiting,
            queue_running=queue.running,
            jobs_waiting=jobs_waiting,
            streams=len(self._streams.active()),
            requests_per_s=round(requests / elapsed_s, 3),
            request_s=round(request_s / requests, 5) if requests else None,
            inference_s=round(seconds / runs, 5) if runs else None,
            inferences_per_s=round(runs / elapsed_s, 3),
        )

    def _inference_totals(self) -> tuple[int, float]:
        """Runs and seconds of all networks since the start."""
        totals = self._instruments.stages.totals()
        found = [totals[stage] for stage in NETWORKS if stage in totals]
        return sum(one.runs for one in found), sum(one.seconds for one in found)
