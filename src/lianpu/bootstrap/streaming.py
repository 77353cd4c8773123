"""What goes on for streams while a node is up: on every node, and on one of them alone."""

from collections.abc import Coroutine
from typing import Any

from lianpu.bootstrap.platform import Platform
from lianpu.leases.alone import run_alone

DELIVERY = "stream_delivery"
CLEARING = "stream_clearing"

Run = Coroutine[Any, Any, None]


def stream_runs(platform: Platform) -> list[Run]:
    """To be cancelled after the streams are closed."""
    streams = platform.streams
    shared = streams.shared
    if shared is None:
        return [*streams.goes_on(), *platform.delivery.runs(), *_clearing(platform)]
    if platform.delivery.mqtt is not None:
        platform.delivery.mqtt.stand_by()
    return [
        *streams.goes_on(),
        platform.unknowns.inbox.run_following(),
        # Two that deliver would deliver everything twice.
        run_alone(shared.leases, DELIVERY, platform.delivery.runs),
        run_alone(shared.leases, CLEARING, lambda: _clearing(platform)),
    ]


def _clearing(platform: Platform) -> list[Run]:
    return [
        platform.streams.events.run_clearing(),
        platform.recordings.run_clearing(),
        platform.unknowns.inbox.run_clearing(),
    ]
