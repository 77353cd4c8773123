"""What one stream costs: a film read, decoded and looked at as fast as it goes, nobody watching."""

import time
from dataclasses import dataclass
from pathlib import Path

from lianpu.capacity.example import FILM_FPS
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


@dataclass(frozen=True, slots=True)
class StreamCost:
    """Of one second of a stream."""

    cpu_s: float
    """Of this process, on all cores together: what else it does meanwhile counts too."""
    wall_s: float
    """At full speed, one frame after another."""
    measured_s: float

    def streams(self, cores: int, *, is_cpu_alone: bool) -> float:
        """How many fit.

        Args:
            is_cpu_alone: no other device runs the networks; else a device counts as busy while one stream is looked at.
        """
        by_cores = cores / self.cpu_s
        return by_cores if is_cpu_alone else min(by_cores, 1 / self.wall_s)


def stream_cost(analyzer: FaceAnalyzer, film: Path, seconds: float, hardware: HardwareDecoding) -> StreamCost:
    """The film is read again until it was looked at for so long, once before anything is measured.

    Nobody in it is known, so that its face is embedded most often.

    Raises:
        SourceLostError: the film cannot be read.
    """
    pipeline = Pipeline(FrameFinder(analyzer), PipelineOptions(detect_every=DETECT_EVERY), Lettering())
    frames = _look_through(pipeline, film, 0, hardware)
    began, cpu_before, first = time.perf_counter(), time.process_time(), frames
    while (measured_s := time.perf_counter() - began) < seconds or frames == first:
        frames = _look_through(pipeline, film, frames, hardware)
    cpu_s = time.process_time() - cpu_before
    film_s = (frames - first) / FILM_FPS
    return StreamCost(cpu_s / film_s, measured_s / film_s, measured_s)


def _look_through(pipeline: Pipeline, film: Path, number: int, hardware: HardwareDecoding) -> int:
    """Number of the frame after the last."""
    rules = SourceRules(folders=(film.parent,))
    with VideoReader(checked_source(str(film), rules), rules, paced=False, hardware=hardware) as reader:
        for read in reader.frames():
            # By the film's own clock: what is looked at more seldom than embedded must not depend on this machine.
            frame = Frame(number, lambda read=read: read.pixels, number / FILM_FPS)
            number += 1
            if pipeline.is_due(frame):
                seen = pipeline.look(frame)
                nobody = [(probe.track_id, Recognised(None, 0.0, -1.0, probe.quality), None) for probe in seen.probes]
                pipeline.take_names(nobody)
    return number
