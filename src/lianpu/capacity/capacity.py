"""The capacity of this machine as its routes see it: what was measured last, and the start of another measurement."""

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from lianpu.capacity.measuring import KIND, CapacityMeasurement, MeasuredParts
from lianpu.capacity.report import CapacityReport, read_report
from lianpu.errors import MeasurementRunningError
from lianpu.jobs.jobs import Jobs
from lianpu.jobs.models import Job
from lianpu.jobs.workers import Lane


class Capacity:
    """Nothing is read yet."""

    def __init__(self, parts: MeasuredParts) -> None:
        self._home: Path = parts.home
        self.measurement = CapacityMeasurement(parts)

    @property
    def lane(self) -> Lane:
        """A worker of its own in each server: two at once would measure each other, and a worker's machine is none of
        the server's."""
        return Lane(frozenset({KIND}), 1)

    async def latest(self) -> CapacityReport | None:
        """None: nothing was measured yet."""
        return await asyncio.to_thread(read_report, self._home)

    async def measure(self, jobs: Jobs, *, quick: bool, tune: bool) -> Job:
        """Start a job.

        Raises:
            MeasurementRunningError: one waits or runs already.
        """
        if await jobs.active(KIND):
            raise MeasurementRunningError("The machine is being measured already: wait until that is over.")
        return await jobs.submit(KIND, {"quick": quick, "tune": tune})


async def _capacity(request: Request) -> Capacity:
    # Not `def`: FastAPI would send it through a thread.
    capacity: Capacity = request.app.state.capacity
    return capacity


CapacityDep = Annotated[Capacity, Depends(_capacity)]
