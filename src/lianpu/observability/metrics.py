"""The metrics of one platform: instruments that count as things happen, and readings that are taken for a scrape."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
READINGS_KEPT_S = 5.0
READING_TIME_LIMIT_S = 2.0
_log = logging.getLogger(__name__)

Read = Callable[[], Awaitable[Iterable[Metric]]]
# When a series began says little, and would double their number.
disable_created_metrics()


class Metrics:
    """Lives on one event loop. `registry` takes instruments, `read_by` what is looked up when somebody asks."""

    def __init__(self, *, time_limit_s: float = READING_TIME_LIMIT_S, kept_s: float = READINGS_KEPT_S) -> None:
        """
        Args:
            time_limit_s: of each reading; its families are left out of a scrape where it takes longer.
            kept_s: readings are taken anew only after so long, however often somebody asks.
        """
        self.registry = CollectorRegistry(auto_describe=False)
        self._time_limit_s = time_limit_s
        self._kept_s = kept_s
        self._reads: dict[str, Read] = {}
        self._readings: list[Metric] = []
        self._taken_at = float("-inf")
        self._taking = asyncio.Lock()
        self.registry.register(self)

    def read_by(self, name: str, read: Read) -> None:
        """`name`: of the reading, as `lianpu_reading_failed` shows it."""
        self._reads[name] = read

    def collect(self) -> Iterable[Metric]:
        """The readings that were taken last."""
        return list(self._readings)

    async def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        await self._take()
        return await asyncio.to_thread(generate_latest, self.registry)

    async def _take(self) -> None:
        async with self._taking:
            if time.monotonic() - self._taken_at < self._kept_s:
                return
            taken = await asyncio.gather(*(self._taken(name, read) for name, read in self._reads.items()))
            failed = {(name,): float(found is None) for name, found in zip(self._reads, taken, strict=True)}
            families = [family for found in taken for family in found or ()]
            families.append(
                gauge(
                    "lianpu_reading_failed", "1: this reading failed, its families are missing.", failed, ("reading",)
                )
            )
            self._readings, self._taken_at = families, time.monotonic()

    async def _taken(self, name: str, read: Read) -> list[Metric] | None:
        try:
            async with asyncio.timeout(self._time_limit_s):
                return list(await read())
        except Exception as error:  # a database that is away must not take the other numbers with it
            _log.warning("metrics cannot be read", extra={"reading": name, "reason": type(error).__name__})
            return None


def gauge(
    name: str, documentation: str, values: Mapping[tuple[str, ...], float] | float, labels: Sequence[str] = ()
) -> GaugeMetricFamily:
    """`values`: by the values of `labels`; without labels the value itself."""
    family = GaugeMetricFamily(name, documentation, labels=list(labels))
    for key, value in _by_labels(values).items():
        family.add_metric(list(key), value)
    return family


def counter(
    name: str, documentation: str, values: Mapping[tuple[str, ...], float] | float, labels: Sequence[str] = ()
) -> CounterMetricFamily:
    """As `gauge`; `name` without its `_total`."""
    family = CounterMetricFamily(name, documentation, labels=list(labels))
    for key, value in _by_labels(values).items():
        family.add_metric(list(key), value)
    return family


def _by_labels(values: Mapping[tuple[str, ...], float] | float) -> Mapping[tuple[str, ...], float]:
    return values if isinstance(values, Mapping) else {(): values}
