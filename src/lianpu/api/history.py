"""`/api/status/history`: the numbers of the last minutes, which the console draws."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from lianpu.accounts.access import requires
from lianpu.accounts.roles import Scope
from lianpu.bootstrap import Platform
from lianpu.http.problems import RequestId, problems

router = APIRouter(tags=["system"])


class PointAnswer(BaseModel):
    """One moment. Rates and times are those of the interval before it."""

    at: float = Field(description="Seconds since 1970.", examples=[1764460800.0])
    cpu_share: float = Field(description="0…1 of all cores of the machine, by everybody.")
    process_cpu_share: float = Field(description="0…1 of all cores of the machine, by this process.")
    memory_used_bytes: int = Field(description="Of the machine.")
    process_memory_bytes: int
    gpu_busy_share: float | None = Field(description="Of the busiest GPU; null: there is none, or it does not tell.")
    gpu_memory_used_bytes: int | None = Field(description="Of all GPUs; null: there is none.")
    queue_waiting: int = Field(description="Calls that wait for an inference thread.")
    queue_running: int
    jobs_waiting: int
    streams: int
    requests_per_s: float
    request_s: float | None = Field(description="Mean time to the first byte of an answer; null: nobody asked.")
    inference_s: float | None = Field(description="Mean time of a stage that runs a network; null: none ran.")
    inferences_per_s: float


class HistoryAnswer(BaseModel):
    interval_s: float
    points: list[PointAnswer] = Field(description="Oldest first; fifteen minutes at most.")
    request_id: str


@router.get("/api/status/history", dependencies=[requires(Scope.SYSTEM_READ)], responses=problems(422))
async def history(
    request: Request,
    request_id: RequestId,
    since: Annotated[float, Query(ge=0, description="`at` of the last point that one has.")] = 0,
) -> HistoryAnswer:
    """Processor, memory, queues, streams and throughput of the last fifteen minutes, kept in memory by this process."""
    platform: Platform = request.app.state.platform
    points = [PointAnswer(**asdict(point)) for point in platform.history.since(since)]
    return HistoryAnswer(interval_s=platform.history.interval_s, points=points, request_id=request_id)
