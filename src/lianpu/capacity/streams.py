"""What one stream costs: a film read, decoded and looked at as fast as it goes, nobody watching."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from lianpu.capacity.example import FILM_FPS
from lianpu.capacity.rate import rate_of, warm_up
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.lettering import Lettering
from lianpu.streams.addresses import SourceRules, checked_source
from lianpu.streams.decoding import HardwareDecoding
from lianpu.streams.finding import FrameFinder
from lianpu.streams.frames import Frame
from lianpu.streams.pipeline import Pipeline, PipelineOptions
from lianpu.streams.reading import VideoReader
from lianpu.streams.voting import Recognised

DETECT_EVERY = 3
USABLE_SHARE = 0.7
"""Of the cores. Frames of streams in real time come in bunches, and looks that wait are late: in benchmarks/streams.py
streams fell behind from there on."""


@dataclass(frozen=True, slots=True)
class StreamCost:
    """Of one second of a stream, while as many as there are workers go at full speed."""

    cpu_s: float
    """Of this process, on all cores together: what else it does meanwhile counts too."""
    wall_s: float
    """Until the next one can have its second."""
    measured_s: float

    def streams(self, cores: int, *, is_cpu_alone: bool) -> float:
        """How many can run in real time.

        Args:
            is_cpu_alone: no other device runs the networks; else it is a limit as well as the cores.
        """
        by_cores = cores / self.cpu_s
        return USABLE_SHARE * (by_cores if is_cpu_alone else min(by_cores, 1 / self.wall_s))


def stream_cost(
    analyzer: FaceAnalyzer, film: Path, film_s: int, callers: int, seconds: float, hardware: HardwareDecoding
) -> StreamCost:
    """Each caller reads the film again and again for so long, to its end each time, and once before it counts.

    Nobody in it is known, so that its face is embedded most often.

    Raises:
        SourceLostError: the film cannot be read.
    """
    streams = threading.local()

    def look_through() -> None:
        if not hasattr(streams, "pipeline"):
            options = PipelineOptions(detect_every=DETECT_EVERY)
            streams.pipeline, streams.frames = Pipeline(FrameFinder(analyzer), options, Lettering()), 0
        streams.frames = _look_through(streams.pipeline, film, streams.frames, hardware)

    warm_up(look_through, callers)
    cpu_before = time.process_time()
    rate = rate_of(look_through, callers, seconds)
    cpu_s = time.process_time() - cpu_before
    looked_through_s = rate.per_s * rate.measured_s * film_s
    return StreamCost(cpu_s / looked_through_s, rate.measured_s / looked_through_s, rate.measured_s)


def _look_through(pipeline: Pipeline, film: Path, number: int, hardware: HardwareDecoding) -> int:
    """Number of the frame after the last."""
    rules = SourceRules(folders=(film.parent,))
    with VideoReader(checked_source(str(film), rules), rules, paced=False, hardware=hardware) as reader:
        for read in reader.frames():
            # By the film's own clock: how often a face is embedded must not depend on how fast the film goes by.
            frame = Frame(number, lambda read=read: read.pixels, number / FILM_FPS)
            number += 1
            if pipeline.is_due(frame):
                seen = pipeline.look(frame)
                nobody = [(probe.track_id, Recognised(None, 0.0, -1.0, probe.quality), None) for probe in seen.probes]
                pipeline.take_names(nobody)
    return number
