"""Photos that are enhanced in a minute, one after another, each on all threads."""

from dataclasses import dataclass

from lianpu.capacity.rate import Rate, rate_of
from lianpu.engines.restore.enhancement import Engines, EnhancementOptions, PhotoEnhancer

MEGAPIXELS = 1.0
LEVEL = 2


@dataclass(frozen=True, slots=True)
class EnhancementRate:
    rate: Rate
    engines: Engines
    """What was chosen by time, as for any photo."""


def enhancement_rate(enhancer: PhotoEnhancer, photo: bytes, seconds: float, *, level: int = LEVEL) -> EnhancementRate:
    """As for anybody who leaves the engines to the server.

    Raises:
        LianpuError: as `PhotoEnhancer.enhance`.
    """
    options = EnhancementOptions(level=level)
    # Networks are loaded and engines timed with the first.
    engines = _enhance(enhancer, photo, options)
    return EnhancementRate(rate_of(lambda: _enhance(enhancer, photo, options), 1, seconds), engines)


def _enhance(enhancer: PhotoEnhancer, photo: bytes, options: EnhancementOptions) -> Engines:
    return enhancer.enhance(photo, options, lambda _stage, _share: None, lambda: False).report.engines
