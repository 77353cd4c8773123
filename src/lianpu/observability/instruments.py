"""What the platform at work is measured with. Whoever works for it finds it, on whatever thread, without being told."""

from contextvars import ContextVar
from dataclasses import dataclass, field

from lianpu.observability.http_metrics import HttpMetrics
from lianpu.observability.metrics import Metrics
from lianpu.observability.stage_metrics import StageMetrics
from lianpu.observability.tracing import Tracing

_current: ContextVar["Instruments | None"] = ContextVar("instruments", default=None)


@dataclass(frozen=True)
class Instruments:
    """Of one platform: several in one process count each for itself."""

    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing | None = None
    """None: nothing is traced."""
    http: HttpMetrics = field(init=False)
    stages: StageMetrics = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "http", HttpMetrics(self.metrics.registry))
        object.__setattr__(self, "stages", StageMetrics(self.metrics.registry))


def measure_with(instruments: Instruments | None) -> None:
    """From here on, in this task and all that it begins; None: nothing is measured."""
    _current.set(instruments)


def current_instruments() -> Instruments | None:
    return _current.get()
