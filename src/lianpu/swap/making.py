"""One swap from files to a labelled file: the engine runs, its output is labelled, and only that one stays."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lianpu.engines.face.face import Image
from lianpu.engines.image import DecodedImage, ImageLimits, decode_image, encode_png, fitted
from lianpu.engines.image_header import ImageFormat
from lianpu.engines.provenance.labelling import Labelled, Labeller, Photo, Video
from lianpu.engines.provenance.origin import Origin
from lianpu.engines.swap.swapper import SwapFaces, SwapJob, SwapKind, Swapper, SwapResult
from lianpu.engines.swap.video import pictures
from lianpu.errors import SwapFaceNotFoundError, SwapOutputInvalidError
from lianpu.observability.stages import Stage, stage

PREVIEW_SIDE_PX = 768
_PREVIEW_STEP = 20
_PREVIEW_TRIES = 12
_ENGINE_SHARE = 0.85


@dataclass(frozen=True, slots=True)
class Wanted:
    kind: SwapKind
    source: Image
    """[H, W, 3] uint8 RGB."""
    target: Path
    folder: Path
    """Of the swap's own, empty; it is gone afterwards."""
    output: Path
    faces: SwapFaces
    preview: bool
    output_format: ImageFormat
    """Of a photo."""
    visible: bool
    time_limit_s: float


@dataclass(frozen=True, slots=True)
class Made:
    labelled: Labelled
    swap: SwapResult
    frames: int
    has_audio: bool


class Progress:
    """Written by the thread that works, read by the task that waits for it."""

    def __init__(self) -> None:
        self.share = 0.0
        self.message = "waiting"
        self.stopped = threading.Event()

    def tell(self, share: float, message: str) -> None:
        self.share, self.message = share * _ENGINE_SHARE, message


def make(wanted: Wanted, engine: Swapper, labeller: Labeller, origin: Origin, progress: Progress) -> Made:
    """Blocks. Nothing but the labelled output is left.

    Raises:
        SwapEngineError and below: the engine did not do it.
        SwapCancelled: `progress.stopped` was set.
        LabellingError: the output could not be labelled, and is gone.
    """
    wanted.folder.mkdir(mode=0o700)
    try:
        source = wanted.folder / "source.png"
        source.write_bytes(encode_png(wanted.source))
        if wanted.kind is SwapKind.VIDEO and not wanted.preview:
            return _video(wanted, source, engine, labeller, origin, progress)
        return _photo(wanted, source, engine, labeller, origin, progress)
    finally:
        shutil.rmtree(wanted.folder, ignore_errors=True)


def _video(
    wanted: Wanted, source: Path, engine: Swapper, labeller: Labeller, origin: Origin, progress: Progress
) -> Made:
    output = wanted.folder / f"swapped{wanted.target.suffix}"
    with stage(Stage.SWAP, engine.name):
        result = engine.run(_job(wanted, source, wanted.target, output), progress.tell, progress.stopped.is_set)
    progress.message, progress.share = "labelling", _ENGINE_SHARE
    labelled = labeller.label(
        Video(result.output), wanted.output, origin, visible=wanted.visible, cancelled=progress.stopped.is_set
    )
    return Made(labelled, result, result.frames, result.has_audio)


def _photo(
    wanted: Wanted, source: Path, engine: Swapper, labeller: Labeller, origin: Origin, progress: Progress
) -> Made:
    output = wanted.folder / "swapped.png"
    result = None
    for number, target in enumerate(_targets(wanted)):
        path = wanted.folder / f"target-{number}.png"
        path.write_bytes(encode_png(target))
        try:
            job = _job(wanted, source, path, output, kind=SwapKind.IMAGE)
            with stage(Stage.SWAP, engine.name):
                result = engine.run(job, progress.tell, progress.stopped.is_set)
            break
        except SwapFaceNotFoundError:
            if wanted.kind is SwapKind.IMAGE:
                raise
    if result is None:
        raise SwapFaceNotFoundError("No face was found in any frame of the video that was looked at.")
    progress.message, progress.share = "labelling", _ENGINE_SHARE
    pixels = _decoded(result.output).pixels
    image_format = ImageFormat.JPEG if wanted.preview else wanted.output_format
    labelled = labeller.label(Photo(pixels, image_format), wanted.output, origin, visible=wanted.visible)
    return Made(labelled, result, 1, has_audio=False)


def _targets(wanted: Wanted) -> Iterator[Image]:
    if wanted.kind is SwapKind.IMAGE:
        pixels = decode_image(wanted.target.read_bytes()).pixels
        yield fitted(pixels, PREVIEW_SIDE_PX) if wanted.preview else pixels
        return
    for picture in pictures(wanted.target):
        if picture.number % _PREVIEW_STEP == 0:
            yield fitted(picture.pixels, PREVIEW_SIDE_PX)
        if picture.number >= _PREVIEW_STEP * _PREVIEW_TRIES:
            return


def _job(wanted: Wanted, source: Path, target: Path, output: Path, *, kind: SwapKind | None = None) -> SwapJob:
    work = wanted.folder / "work"
    work.mkdir(exist_ok=True)
    return SwapJob(
        kind=kind or wanted.kind,
        source=source,
        target=target,
        output=output,
        work_folder=work,
        faces=wanted.faces,
        time_limit_s=wanted.time_limit_s,
    )


def _decoded(path: Path) -> DecodedImage:
    try:
        return decode_image(path.read_bytes(), ImageLimits(max_pixels=1 << 30, max_side_px=1 << 16))
    except OSError as error:
        raise SwapOutputInvalidError("The engine's output cannot be read.") from error
