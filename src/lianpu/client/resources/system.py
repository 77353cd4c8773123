"""Calls about the server itself."""

from lianpu.client.answers import Capacity, Job, ServerHealth, ServerHistory, ServerStatus
from lianpu.client.operation import operation
from lianpu.client.request import Json, Nullable, Request, given


class SystemCalls:
    """State and health of the server."""

    @operation
    def status(self) -> Request[ServerStatus]:
        """Versions, packs, provider, machine, queues, streams, disk, camera, engines and gallery in one look."""
        return Request("GET", "/api/status", Json(ServerStatus))

    @operation
    def history(self, *, since: float | None = None) -> Request[ServerHistory]:
        """Processor, memory, queues, streams and throughput of the last fifteen minutes.

        Args:
            since: `at` of the last point that one has.
        """
        return Request("GET", "/api/status/history", Json(ServerHistory), query={"since": since})

    @operation
    def capacity(self) -> Request[Capacity | None]:
        """What the machine does, as it was measured last; None: it was not measured yet."""
        return Request("GET", "/api/v1/capacity", Nullable(Capacity, "capacity"))

    @operation
    def measure_capacity(self, *, quick: bool | None = None, tune: bool | None = None) -> Request[Job]:
        """Measure it. All cores are busy for about a minute.

        Args:
            quick: each figure for a moment only.
            tune: first find out which runtime is the fastest for each network.
        """
        return Request("POST", "/api/v1/capacity", Json(Job, "job"), json=given({"quick": quick, "tune": tune}))

    @operation
    def live(self) -> Request[ServerHealth]:
        """The process answers."""
        return Request("GET", "/health/live", Json(ServerHealth))

    @operation
    def ready(self) -> Request[ServerHealth]:
        """Whether requests will be answered.

        One that is not ready answers as well: look at `status`.
        """
        return Request("GET", "/health/ready", Json(ServerHealth), also_answers=frozenset({503}))
