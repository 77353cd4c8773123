"""The figures of one measurement, each of the owner's own pack and settings; every method blocks while it measures."""

import logging
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lianpu.capacity.enhancements import MEGAPIXELS, enhancement_rate
from lianpu.capacity.example import enlarged_jpeg, write_film
from lianpu.capacity.faces import faces_rate
from lianpu.capacity.rate import Rate
from lianpu.capacity.reference import Comparison, compare, why_none
from lianpu.capacity.report import Figure, FigureName, NoReference, Reference, Unit, Unmeasured
from lianpu.capacity.searches import made_up_index, searches_rate
from lianpu.capacity.streams import stream_cost
from lianpu.engines.face.analyzer import AnalyzerOptions, FaceAnalyzer
from lianpu.engines.restore.enhancement import PhotoEnhancer
from lianpu.errors import LianpuError
from lianpu.packs.manifest import Pack
from lianpu.runtime.providers import Provider, usable_cores
from lianpu.runtime.sessions import Sessions
from lianpu.streams.decoding import HardwareDecoding
from lianpu.vectors.index import VectorIndex

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lengths:
    """Seconds of each figure."""

    faces_s: float
    """With many requests in flight, and again one after another."""
    searches_s: float
    film_s: int
    streams_s: float
    """The film is looked through again and again, to its end each time."""
    enhancements_s: float
    reference_s: float
    """Of each side in each round."""
    reference_rounds: int


FULL = Lengths(faces_s=4, searches_s=2, film_s=4, streams_s=5, enhancements_s=8, reference_s=2, reference_rounds=3)
QUICK = Lengths(
    faces_s=0.3, searches_s=0.2, film_s=1, streams_s=0, enhancements_s=0, reference_s=0.2, reference_rounds=1
)


@dataclass(frozen=True, slots=True)
class Figures:
    pack: Pack
    analyzer: FaceAnalyzer
    """Of that pack, loaded for this measurement."""
    options: AnalyzerOptions
    sessions: Sessions
    photo: bytes
    workers: int
    """Inferences that the server runs at once."""
    hardware: HardwareDecoding
    enhancer: Callable[[], PhotoEnhancer]
    """Made for this measurement: with networks loaded anew, as a server would that starts now."""
    lengths: Lengths

    def faces(self) -> Figure:
        return self._faces(FigureName.FACES, self.workers)

    def faces_alone(self) -> Figure:
        return self._faces(FigureName.FACES_ALONE, 1)

    def searches(self, index: VectorIndex) -> Figure:
        """In the gallery's own index."""
        name, rows = FigureName.SEARCHES, len(index)
        if rows == 0:
            return unmeasured(name, Unit.SEARCHES_PER_S, Unmeasured.GALLERY_EMPTY)
        try:
            return self._searched(name, index)
        except LianpuError as error:
            return unmeasured(name, Unit.SEARCHES_PER_S, Unmeasured.FAILED, error.detail)

    def searches_large(self) -> Figure:
        """Among rows that are made up, exactly and in memory, whatever the gallery's own index is."""
        index = made_up_index(self.analyzer.dimension, self.analyzer.metric, threads=self.sessions.threads)
        return self._searched(FigureName.SEARCHES_LARGE, index)

    def streams(self) -> Figure:
        is_cpu_alone = self.sessions.choice.chosen[0] is Provider.CPU
        lengths = self.lengths
        with tempfile.TemporaryDirectory(prefix="lianpu-") as folder:
            film = Path(folder, "film.mp4")
            write_film(self.photo, film, lengths.film_s)
            cost = stream_cost(self.analyzer, film, lengths.film_s, self.workers, lengths.streams_s, self.hardware)
        return Figure(
            name=FigureName.STREAMS,
            unit=Unit.STREAMS,
            value=cost.streams(usable_cores(), is_cpu_alone=is_cpu_alone),
            measured_s=cost.measured_s,
            is_derived=True,
        )

    def enhancements(self) -> Figure:
        name, unit = FigureName.ENHANCEMENTS, Unit.ENHANCEMENTS_PER_MIN
        photo = enlarged_jpeg(self.photo, MEGAPIXELS)
        try:
            enhanced = enhancement_rate(self.enhancer(), photo, self.lengths.enhancements_s)
        except LianpuError as error:
            return unmeasured(name, unit, Unmeasured.FAILED, error.detail)
        engines = [pack for pack in (enhanced.engines.restorer, enhanced.engines.upscaler) if pack is not None]
        return _measured(name, unit, enhanced.rate.times(60), in_flight=1, engines=list(dict.fromkeys(engines)))

    def reference(self) -> tuple[Reference | None, NoReference | None]:
        """Or the reason why there is none."""
        reason = why_none(self.pack)
        role = self.pack.manifest.roles.detector
        if reason is not None or role is None:
            return None, reason
        try:
            found = self._compared(role.input_size)
        except Exception as error:  # another's package may raise anything, and the other figures stand without it
            _log.warning("insightface does not run: there is no ratio to it", exc_info=error)
            return None, NoReference.FAILED
        told = Reference(
            version=found.version,
            ratio=found.ratio,
            ours_per_s=found.ours_per_s,
            theirs_per_s=found.theirs_per_s,
            in_flight=self.workers,
            measured_s=found.measured_s,
        )
        return told, None

    def _compared(self, input_size: int) -> Comparison:
        with tempfile.TemporaryDirectory(prefix="lianpu-") as folder:
            return compare(
                self.pack,
                self.analyzer,
                self.photo,
                Path(folder),
                input_size=self.options.detector_input_size or input_size,
                providers=[provider.ort_name for provider in self.sessions.choice.chosen],
                callers=self.workers,
                seconds=self.lengths.reference_s,
                rounds=self.lengths.reference_rounds,
            )

    def _faces(self, name: FigureName, callers: int) -> Figure:
        rate = faces_rate(self.analyzer, self.photo, callers, self.lengths.faces_s)
        if rate is None:
            return unmeasured(name, Unit.FACES_PER_S, Unmeasured.NO_FACE_FOUND)
        return _measured(name, Unit.FACES_PER_S, rate, in_flight=callers)

    def _searched(self, name: FigureName, index: VectorIndex) -> Figure:
        rate = searches_rate(index, self.workers, self.lengths.searches_s)
        return _measured(name, Unit.SEARCHES_PER_S, rate, in_flight=self.workers, rows=len(index))


def _measured(
    name: FigureName,
    unit: Unit,
    rate: Rate,
    *,
    in_flight: int,
    rows: int | None = None,
    engines: list[str] | None = None,
) -> Figure:
    return Figure(
        name=name,
        unit=unit,
        value=rate.per_s,
        measured_s=rate.measured_s,
        in_flight=in_flight,
        rows=rows,
        engines=engines or [],
    )


def unmeasured(name: FigureName, unit: Unit, reason: Unmeasured, detail: str | None = None) -> Figure:
    return Figure(name=name, unit=unit, value=None, measured_s=0, reason=reason, detail=detail)
