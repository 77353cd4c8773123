"""Face swaps as metrics."""

from collections.abc import Iterable

from prometheus_client.core import Metric

from lianpu.observability.metrics import Read, counter, gauge
from lianpu.swap.live.swaps import LiveSwaps
from lianpu.swap.run import SwapRun


def swap_reading(run: SwapRun, live: LiveSwaps) -> Read:
    async def read() -> Iterable[Metric]:
        made: dict[tuple[str, ...], float] = {key: float(count) for key, count in run.made.items()}
        return [
            counter("lianpu_swaps", "Outputs of swaps, labelled and ready to be fetched.", made, ("kind", "engine")),
            gauge("lianpu_swap_live_active", "Live swaps of this process.", live.active),
        ]

    return read
