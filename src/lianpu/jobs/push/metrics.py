"""Push connections as metrics."""

from collections.abc import Iterable

from prometheus_client.core import Metric

from lianpu.jobs.push.push import Push
from lianpu.observability.metrics import Read, gauge


def push_reading(push: Push) -> Read:
    async def read() -> Iterable[Metric]:
        return [
            gauge("lianpu_push_connections", "Clients that are told of jobs as they change.", push.connections.open)
        ]

    return read
