"""Engines that run in this process: one face painted at a time makes photos, videos and live pictures alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

import lianpu
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Box, DetectedFace, Image
from lianpu.engines.face.quality import estimate_pose
from lianpu.engines.image import decode_image, encode_jpeg, encode_png
from lianpu.engines.swap.choosing import FaceFollower, choose_faces, find_faces, finder
from lianpu.engines.swap.example import example_pair
from lianpu.engines.swap.inspection import inspect
from lianpu.engines.swap.readiness import using_packs
from lianpu.engines.swap.swapper import (
    Cancelled,
    EngineReport,
    Finding,
    OnProgress,
    Readiness,
    SwapCancelled,
    SwapCapabilities,
    SwapFaces,
    SwapJob,
    SwapKind,
    SwapResult,
)
from lianpu.engines.swap.video import Picture, rewrite, video_facts
from lianpu.errors import (
    FaceNotFoundError,
    LianpuError,
    SwapDiskFullError,
    SwapFaceNotFoundError,
    SwapTimedOutError,
    SwapUnsupportedError,
)

_JPEG_QUALITY = 95
_PHOTOS = {".jpg", ".jpeg", ".png"}
_INSPECTION_SHARE = 0.1


class FacePainter(Protocol):
    """Puts one face in the place of another; may be called from several threads at once."""

    @property
    def provider(self) -> str | None:
        """What runs its network; None: it has none."""
        ...

    @property
    def max_yaw_degrees(self) -> float | None:
        """Of the target's head, up to which the result passes for a face; None: no limit is known."""
        ...

    def prepare(self, picture: Image, face: DetectedFace) -> object:
        """What is needed of a source face.

        Raises:
            FaceNotFoundError: its landmarks are no good.
        """
        ...

    def paint(self, source: object, frame: Image, face: DetectedFace) -> Image:
        """The frame with that face replaced.

        Raises:
            FaceNotFoundError: its landmarks are no good.
        """
        ...


LoadedPainter = tuple[FacePainter, FaceAnalyzer]


class BuiltinSwapper:
    """A painter and a pack that finds faces; implements `Swapper` and `FrameSwapper`."""

    def __init__(
        self,
        name: str,
        capabilities: SwapCapabilities,
        load: Callable[[], LoadedPainter],
        look: Callable[[], EngineReport],
    ) -> None:
        """
        Args:
            load: gives the painter and the analyzer, loading them at the first call; raises where it cannot.
            look: the report of a check that swaps nothing.
        """
        self._name = name
        self._capabilities = capabilities
        self._load = load
        self._look = look

    @property
    def name(self) -> str:
        return self._name

    def capabilities(self) -> SwapCapabilities:
        return self._capabilities

    def check(self, *, deep: bool = False) -> EngineReport:
        report = self._look()
        if not deep or report.readiness not in {Readiness.READY, Readiness.DEGRADED}:
            return report
        try:
            source, target = example_pair()
            made, boxes = self.swap(self.prepare(source), target, SwapFaces())
            is_ok = bool(boxes) and not (made == target).all()
            finding = Finding("example", is_ok, "an example pair was swapped" if is_ok else "nothing was swapped")
        except LianpuError as error:
            finding = Finding("example", is_ok=False, detail=error.detail)
        readiness = report.readiness if finding.is_ok else Readiness.BROKEN
        return replace(report, readiness=readiness, findings=(*report.findings, finding))

    def prepare(self, source: Image) -> object:
        painter, analyzer = self._load()
        faces = choose_faces(find_faces(analyzer, source), SwapFaces())
        if not faces:
            raise FaceNotFoundError("No face was found in the source.")
        return painter.prepare(source, faces[0])

    def swap(self, source: object, frame: Image, faces: SwapFaces) -> tuple[Image, Sequence[Box]]:
        painter, analyzer = self._load()
        return _painted(painter, source, frame, choose_faces(find_faces(analyzer, frame), faces))

    def follow(self, faces: SwapFaces) -> Callable[[object, Image], tuple[Image, Sequence[Box]]]:
        """`swap` for the frames of one video or camera in their order: faces are followed, and held steady.

        Returns:
            What takes a prepared source and a frame; for one thread.
        """
        painter, analyzer = self._load()
        follower = FaceFollower(analyzer, faces)
        return lambda source, frame: _painted(painter, source, frame, follower.find(frame))

    def run(self, job: SwapJob, on_progress: OnProgress, cancelled: Cancelled) -> SwapResult:
        if job.kind not in self._capabilities.kinds or job.kind is SwapKind.LIVE:
            raise SwapUnsupportedError(f"The engine '{self._name}' makes no file of the kind '{job.kind}'.")
        deadline_s = time.monotonic() + job.time_limit_s
        with using_packs(self._name):
            painter, analyzer = self._load()
        on_progress(0.0, "detecting")
        try:
            source = self.prepare(decode_image(job.source.read_bytes()).pixels)
        except FaceNotFoundError as error:
            raise SwapFaceNotFoundError(f"Source: {error.detail}") from error
        watch = partial(_watch, cancelled, deadline_s, job.time_limit_s)
        watch()
        try:
            if job.kind is SwapKind.IMAGE:
                notes: tuple[str, ...] = self._photo(job, source)
            else:
                notes = self._video(job, source, on_progress, watch)
            watch()
            on_progress(1 - _INSPECTION_SHARE, "checking")
            found = inspect(job.kind, job.target, job.output, finder(analyzer, job))
        except BaseException:
            job.output.unlink(missing_ok=True)
            raise
        on_progress(1.0, "done")
        return SwapResult(
            output=job.output,
            engine=self._name,
            version=lianpu.__version__,
            provider=painter.provider,
            faces_swapped=found.faces,
            frames=found.frames,
            has_audio=found.has_audio,
            notes=tuple(dict.fromkeys((*notes, *found.notes))),
        )

    def _photo(self, job: SwapJob, source: object) -> tuple[str, ...]:
        if job.output.suffix.lower() not in _PHOTOS:
            raise SwapUnsupportedError(f"Photos are written as JPEG or PNG, not as {job.output.suffix}.")
        painter, analyzer = self._load()
        target = decode_image(job.target.read_bytes()).pixels
        faces = choose_faces(find_faces(analyzer, target), job.faces)
        made, _ = _painted(painter, source, target, faces)
        if not faces:
            raise SwapFaceNotFoundError("No such face was found in the target.")
        is_png = job.output.suffix.lower() == ".png"
        _write(job.output, encode_png(made) if is_png else encode_jpeg(made, _JPEG_QUALITY))
        return _turned_away(painter, faces)

    def _video(
        self, job: SwapJob, source: object, on_progress: OnProgress, watch: Callable[[], None]
    ) -> tuple[str, ...]:
        total = video_facts(job.target).frames
        swap = self.follow(job.faces)
        without = 0

        def paint(picture: Picture) -> Image:
            nonlocal without
            watch()
            made, boxes = swap(source, picture.pixels)
            without += not boxes
            if total:
                on_progress(min(1.0, (picture.number + 1) / total) * (1 - _INSPECTION_SHARE), "swapping")
            return made

        written = rewrite(job.target, job.output, paint)
        if without == written.frames:
            raise SwapFaceNotFoundError("No such face was found in any picture of the target.")
        lacking = (f"no face was found in {without} of {written.frames} pictures",) if without else ()
        return (*written.notes, *lacking)


def _painted(
    painter: FacePainter, source: object, frame: Image, faces: Sequence[DetectedFace]
) -> tuple[Image, Sequence[Box]]:
    for face in faces:
        frame = painter.paint(source, frame, face)
    return frame, [face.box for face in faces]


def _turned_away(painter: FacePainter, faces: Sequence[DetectedFace]) -> tuple[str, ...]:
    limit = painter.max_yaw_degrees
    if limit is None:
        return ()
    poses = (estimate_pose(face.landmarks) for face in faces if face.landmarks is not None)
    furthest = max((abs(pose.yaw) for pose in poses if pose is not None), default=0.0)
    if furthest <= limit:
        return ()
    return (f"a head is turned {furthest:.0f} degrees aside; beyond {limit:.0f} this engine's result looks wrong",)


def _watch(cancelled: Cancelled, deadline_s: float, limit_s: float) -> None:
    if cancelled():
        raise SwapCancelled
    if time.monotonic() > deadline_s:
        raise SwapTimedOutError(f"The swap did not end within {limit_s:g} s.")


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise SwapDiskFullError(f"{path.name} cannot be written: {error.strerror}.") from error
