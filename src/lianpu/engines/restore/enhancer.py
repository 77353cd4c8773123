"""Enhances photos in memory by the packs at hand: the photo in tiles, each face by itself, the person measured."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Image
from lianpu.engines.image import ImageLimits
from lianpu.engines.restore.blending import RestoredFace
from lianpu.engines.restore.colour import make_grey
from lianpu.engines.restore.course import Course
from lianpu.engines.restore.encoding import encode_photo, result_format
from lianpu.engines.restore.enhancement import (
    EnhancedPhoto,
    EnhancementEngine,
    EnhancementOptions,
    EnhancementPlan,
    EnhancementReport,
    OnStage,
    OutputFormat,
    Stage,
)
from lianpu.engines.restore.face_work import FaceBlender, FaceWork, find_faces, prepare_faces
from lianpu.engines.restore.identity import IdentityMeasure
from lianpu.engines.restore.photo import Photo, PhotoHeader, enlarged_alpha, read_header, read_photo, without_matte
from lianpu.engines.restore.planning import NO_UPSCALER, ChosenEngines, Planner
from lianpu.engines.restore.restoration import restore_aligned, restore_enlarged
from lianpu.engines.restore.sharpness import photo_sharpness
from lianpu.engines.restore.shelf import EngineShelf, Loaded, LoadedRestorer, key_of
from lianpu.engines.restore.speed import Speeds
from lianpu.engines.restore.tiling import OnShare, enlarge, interpolate, native_scale
from lianpu.observability.stages import Stage as Measured
from lianpu.observability.stages import count_faces, stage
from lianpu.packs.folder import folder_name
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.session import SessionFactory

_MAX_FACES = 20
_DECODED, _DETECTED, _FINISHED = 0.03, 0.1, 0.92


@dataclass(frozen=True, slots=True)
class EnhancementLimits:
    """What is refused before anything is decoded."""

    photo: ImageLimits = field(default_factory=ImageLimits)
    """Of the photo that comes in."""
    max_output_pixels: int = 64_000_000


DEFAULT_LIMITS = EnhancementLimits()


class PackPhotoEnhancer:
    """Implements `PhotoEnhancer`. Safe to use from several threads; each photo is worked on by the calling one."""

    def __init__(
        self,
        registry: PackRegistry,
        sessions: SessionFactory,
        analyzer: Callable[[], FaceAnalyzer],
        *,
        limits: EnhancementLimits = DEFAULT_LIMITS,
        time_budget_s: float = 3.0,
    ) -> None:
        """Nothing is loaded yet.

        Args:
            registry: where packs of the families `restore` and `upscale` are found.
            sessions: runs their networks.
            analyzer: gives the default recogniser; may block and raise.
            time_budget_s: what a photo may take unless `EnhancementOptions.time_budget_s` says otherwise: see there.
        """
        self._limits = limits
        self._analyzer = analyzer
        self._shelf = EngineShelf(registry, sessions)
        self._speeds = Speeds()
        self._planner = Planner(
            self._shelf, self._speeds, max_output_pixels=limits.max_output_pixels, time_budget_s=time_budget_s
        )

    def engines(self) -> Sequence[EnhancementEngine]:
        """Those at hand, the one that is taken by default first of its kind (of upscalers: where time allows)."""
        restorers, upscalers = self._shelf.restorers(), self._shelf.upscalers()
        for_faces = [upscaler for upscaler in upscalers if upscaler.suits_faces]
        none = EnhancementEngine(
            NO_UPSCALER, "upscaler", None, "", commercial=True, has_fidelity=False, seconds_per_megapixel=0.0
        )
        return [
            *(self._engine(loaded, "restorer") for loaded in (*restorers, *for_faces)),
            *(self._engine(loaded, "upscaler") for loaded in upscalers),
            none,
        ]

    def plan(self, data: bytes | bytearray | memoryview, options: EnhancementOptions) -> EnhancementPlan:
        """As `PhotoEnhancer.plan`."""
        return self._planner.plan(read_header(bytes(data), self._limits.photo), options, _label(self._analyzer()))

    def enhance(
        self,
        data: bytes | bytearray | memoryview,
        options: EnhancementOptions,
        on_stage: OnStage,
        cancelled: Callable[[], bool],
        finish: Callable[[Image], Image] | None = None,
    ) -> EnhancedPhoto:
        """As `PhotoEnhancer.enhance`."""
        started = time.perf_counter()
        course = Course(on_stage, cancelled)
        course.at(Stage.DECODING, 0)
        content = bytes(data)
        header = read_header(content, self._limits.photo)
        scale = self._planner.scale(header, options)
        restorer = self._planner.restorer(options)
        analyzer = self._analyzer()
        photo = read_photo(content, self._limits.photo, keep_gps=options.keep_gps, scale=scale)
        try:
            work = _Enhancement(self._planner, header, photo, options, restorer, analyzer, course, scale)
            return work.run(started, finish)
        finally:
            photo.pixels.fill(0)

    def _engine(self, loaded: Loaded, kind: str) -> EnhancementEngine:
        licence = loaded.manifest.licence
        return EnhancementEngine(
            name=loaded.manifest.name,
            kind=kind,
            pack=folder_name(loaded.manifest.name, loaded.manifest.version),
            licence=licence.id,
            commercial=licence.commercial,
            has_fidelity=isinstance(loaded, LoadedRestorer) and loaded.restorer.has_fidelity,
            seconds_per_megapixel=self._seconds(loaded),
        )

    def _seconds(self, loaded: Loaded) -> float | None:
        if isinstance(loaded, LoadedRestorer):
            known = self._speeds.known(key_of(loaded))
            return self._speeds.of_restorer(key_of(loaded), loaded.restorer) if known else None
        measured = [scale for scale in loaded.upscaler.scales if self._speeds.known(key_of(loaded), scale)]
        if not measured:
            return None
        scale = max(measured)
        return self._speeds.of_upscaler(key_of(loaded), loaded.upscaler, scale) * 1e6 / scale**2


class _Enhancement:
    """One photo's way through."""

    def __init__(
        self,
        planner: Planner,
        header: PhotoHeader,
        photo: Photo,
        options: EnhancementOptions,
        restorer: Loaded | None,
        analyzer: FaceAnalyzer,
        course: Course,
        scale: int,
    ) -> None:
        self._planner = planner
        self._header = header
        self._photo = photo
        self._options = options
        self._restorer = restorer
        self._analyzer = analyzer
        self._course = course
        self._scale = scale
        self._notes = list(photo.notes)
        self._chosen = ChosenEngines(restorer, None, 0.0)

    def run(self, started: float, finish: Callable[[Image], Image] | None) -> EnhancedPhoto:
        photo, course = self._photo, self._course
        course.at(Stage.DETECTING, _DECODED)
        measure = IdentityMeasure(self._analyzer, self._options.identity_threshold)
        faces = find_faces(self._analyzer, photo.pixels, _MAX_FACES)
        works = prepare_faces(photo.pixels, faces, measure, self._scale, has_restorer=self._restorer is not None)
        to_restore = sum(work.reason is None for work in works)
        self._chosen = self._planner.choose(
            self._header, self._options, self._restorer, faces=len(works), to_restore=to_restore
        )
        self._note_faces(works, to_restore)
        background_end = self._background_end(to_restore)
        course.at(Stage.UPSCALING, _DETECTED)
        result = self._background(background_end)
        try:
            blender = FaceBlender(
                photo.pixels,
                result,
                self._scale,
                measure,
                preserve_identity=self._options.preserve_identity,
                is_result_neural=self._chosen.upscaler is not None,
            )
            restored = self._restore(works, to_restore, blender, background_end)
            course.at(Stage.MEASURING, _FINISHED)
            for work in works:
                blender.settle(work)
            if photo.is_grey:
                make_grey(result)
            reports = [blender.report(work, was_restored=work in restored) for work in works]
            before = photo_sharpness(photo.pixels, self._header.width, self._header.height)
            after = photo_sharpness(result, self._header.width, self._header.height)
            course.at(Stage.ENCODING, 0.95)
            used = ChosenEngines(
                self._chosen.restorer if any(report.is_restored for report in reports) else None,
                self._chosen.upscaler,
                self._chosen.faces_s,
            )
            if finish is not None and (used.restorer is not None or used.upscaler is not None):
                finished = finish(result)
                result.fill(0)
                result = finished
            output = self._output()
            alpha = None
            if photo.alpha is not None and output is not OutputFormat.JPEG:
                alpha = enlarged_alpha(photo.alpha, self._scale)
                without_matte(result, alpha)
            with stage(Measured.ENCODE):
                encoded = encode_photo(
                    result, alpha, output, as_grey=photo.is_grey, profile=photo.profile, exif=photo.exif
                )
        finally:
            result.fill(0)
        report = EnhancementReport(
            width_before=self._header.width,
            height_before=self._header.height,
            width_after=self._header.width * self._scale,
            height_after=self._header.height * self._scale,
            scale=self._scale,
            engines=used.engines(recogniser=_label(self._analyzer) if works else None),
            faces=reports,
            sharpness_before=before,
            sharpness_after=after,
            enhancement_ratio=after / before if before > 0 else 1.0,
            notes=self._notes,
            seconds=time.perf_counter() - started,
        )
        course.at(Stage.ENCODING, 1)
        return EnhancedPhoto(encoded.data, encoded.media_type, encoded.suffix, report)

    def _background(self, end: float) -> Image:
        upscaler = self._chosen.upscaler
        if upscaler is None:
            return interpolate(self._photo.pixels, self._scale)
        native = native_scale(upscaler.upscaler, self._scale)
        if native < self._scale:
            self._notes.append(
                f"The network enlarges {native} times; the rest, to {self._scale} times, is interpolation."
            )
        tell = self._course.within(Stage.UPSCALING, _DETECTED, end)
        with stage(Measured.UPSCALE, folder_name(*key_of(upscaler))):
            return enlarge(self._photo.pixels, self._scale, upscaler.upscaler, tell)

    def _background_end(self, to_restore: int) -> float:
        """How far the whole is once the background is done, by the time it and the faces are likely to take."""
        background_s = 0.0
        if self._chosen.upscaler is not None:
            background_s = self._planner.background_s(self._header, self._scale, self._chosen.upscaler)
        pixels = self._header.width * self._header.height
        faces_s = self._planner.faces_s(self._chosen, pixels, faces=to_restore)
        total_s = background_s + faces_s
        share = background_s / total_s if total_s > 0 else 1.0
        return _DETECTED + (_FINISHED - _DETECTED) * share

    def _restore(
        self, works: Sequence[FaceWork], to_restore: int, blender: FaceBlender, begin: float
    ) -> list[FaceWork]:
        """Those that were given to a restorer."""
        restored: list[FaceWork] = []
        step = (_FINISHED - begin) / max(1, to_restore)
        for work in works:
            at = begin + step * len(restored)
            self._course.at(Stage.RESTORING, at)
            face = None
            if work.reason is None:
                assert self._restorer is not None
                label = folder_name(*key_of(self._restorer))
                with stage(Measured.RESTORE, label):
                    face = self._restored(work, to_restore, self._course.within(Stage.RESTORING, at, at + step))
                count_faces(Measured.RESTORE, label, 1)
                restored.append(work)
            blender.lay(work, face)
        return restored

    def _restored(self, work: FaceWork, to_restore: int, tell: OnShare) -> RestoredFace:
        photo, engine = self._photo, self._restorer
        if isinstance(engine, LoadedRestorer):
            return restore_aligned(
                photo.pixels, work.place, engine.restorer, fidelity=self._options.fidelity, is_grey=photo.is_grey
            )
        assert engine is not None
        x1, y1, x2, y2 = work.place.roi
        most = self._planner.face_pixels(self._chosen, faces=to_restore)
        if (x2 - x1) * (y2 - y1) > most:
            self._note(f"To keep within the time, faces were restored from at most {most / 1e6:.2f} megapixels each.")
        return restore_enlarged(
            photo.pixels, work.place, engine.upscaler, most_pixels=most, is_grey=photo.is_grey, on_share=tell
        )

    def _note_faces(self, works: Sequence[FaceWork], to_restore: int) -> None:
        if not works:
            self._note("No face was found; the photo was enhanced as a whole.")
            if self._scale == 1 and self._chosen.upscaler is None:
                self._note("Without a network there is nothing to enhance at level 1.")
        elif self._chosen.restorer is None and self._options.restorer is None:
            self._note("No face restorer is at hand; faces were enhanced as the rest of the photo.")
        if self._chosen.gave_way:
            self._note("To keep within the time, the photo around the faces was interpolated.")
        if len(works) == _MAX_FACES:
            self._note(f"Only the {_MAX_FACES} largest faces were looked at.")
        if to_restore == 0 and works and self._scale == 1 and self._chosen.restorer is not None:
            self._note("No face needed restoring, so at level 1 nothing was changed.")

    def _output(self) -> OutputFormat:
        photo, wanted = self._photo, self._options.output_format
        output = result_format(wanted, photo.format, has_alpha=photo.alpha is not None)
        if wanted is OutputFormat.SAME and output.value != photo.format.value:
            self._note(f"{photo.format.name} is not written; the result is a {output.value.upper()}.")
        if photo.alpha is not None and output is OutputFormat.JPEG:
            self._note("JPEG knows no transparency; the photo was laid on white.")
        return output

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)


def _label(analyzer: FaceAnalyzer) -> str:
    return folder_name(analyzer.pack_name, analyzer.pack_version)
