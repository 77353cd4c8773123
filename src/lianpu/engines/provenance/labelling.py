"""The only way from a swap to an output: nothing leaves without its labels."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol

from lianpu.engines.face.face import Image
from lianpu.engines.image import encode_photo
from lianpu.engines.image_header import ImageFormat, sniff_format
from lianpu.engines.provenance.manifest import ManifestSigner, is_available
from lianpu.engines.provenance.metadata import append_to_mp4, with_origin
from lianpu.engines.provenance.origin import LabelKind, Origin
from lianpu.engines.provenance.visible_label import VisibleLabel
from lianpu.engines.provenance.watermark import SHORTEST_SIDE_PX, FrameMark, embed
from lianpu.engines.swap.swapper import SwapCancelled
from lianpu.errors import LabellingError

VIDEO_TYPE = "video/mp4"
JPEG_QUALITY = 93


@dataclass(frozen=True, slots=True)
class Photo:
    pixels: Image
    """[H, W, 3] uint8 RGB."""
    format: ImageFormat
    """JPEG, PNG or WebP."""


@dataclass(frozen=True, slots=True)
class Video:
    path: Path


@dataclass(frozen=True, slots=True)
class Labelled:
    labels: Sequence[LabelKind]
    media_type: str
    size_bytes: int
    sha256: str


class RewriteVideo(Protocol):
    """Writes a video anew, picture by picture, with its times and its sound."""

    def __call__(self, source: Path, target: Path, paint: Callable[[Image], Image]) -> None: ...


class Labeller:
    """For any number of threads. Blocks."""

    def __init__(self, signer: Callable[[], ManifestSigner], rewrite_video: RewriteVideo) -> None:
        """
        Args:
            signer: called for each output; raises SigningKeyError where there is no usable key.
        """
        self._signer = signer
        self._rewrite_video = rewrite_video
        self._visible = VisibleLabel()

    def label(
        self,
        made: Photo | Video,
        target: Path,
        origin: Origin,
        *,
        visible: bool,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Labelled:
        """Write what an engine made to `target`, with every label; only the visible one can be left out.

        Args:
            target: a new file; gone again where this fails. Videos become MP4.

        Raises:
            LabellingError: a label cannot be put on.
            SigningKeyError: the key for manifests cannot be used.
            SwapCancelled: `cancelled()` was true.
            what `rewrite_video` raises.
        """
        partial = target.with_name(f"{target.name}.unsigned")
        try:
            if isinstance(made, Photo):
                labels, media_type = self._photo(made, partial, origin, visible=visible), made.format.media_type
            else:
                labels, media_type = self._video(made, partial, origin, visible, cancelled), VIDEO_TYPE
            with partial.open("rb") as source, target.open("w+b") as signed:
                self._signer().sign(source, signed, media_type, origin)
            return Labelled((*labels, LabelKind.C2PA), media_type, target.stat().st_size, _sha256(target))
        except BaseException as error:
            target.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise LabellingError(f"The labelled output cannot be written: {error.strerror or error}.") from error
            raise
        finally:
            partial.unlink(missing_ok=True)

    def frames(self, origin: Origin, *, visible: bool) -> "FrameLabel":
        """Labels for the pictures of a live stream, which have no file that could carry more."""
        return FrameLabel(self._visible if visible else None, FrameMark(origin.mark))

    def enhanced(self, data: bytes, origin: Origin) -> tuple[bytearray, Sequence[LabelKind]]:
        """An encoded JPEG, PNG or WebP with the labels that touch no pixel. Nothing is written to disk.

        Raises:
            LabellingError: it is of another format, or damaged.
        """
        image_format = sniff_format(data)
        if image_format is None:
            raise LabellingError("What is to be labelled is no photo.")
        marked = with_origin(data, image_format, origin)
        labels = (LabelKind.XMP, LabelKind.AIGC)
        if not is_available():
            return bytearray(marked), labels
        signed = BytesIO()
        self._signer().sign(BytesIO(marked), signed, image_format.media_type, origin)
        return bytearray(signed.getbuffer()), (*labels, LabelKind.C2PA)

    def enhanced_pixels(self, pixels: Image, origin: Origin) -> tuple[Image, Sequence[LabelKind]]:
        """For whoever wants enhanced photos marked as swaps are: before they are encoded, [H, W, 3] uint8 RGB."""
        drawn = self._visible.draw(pixels)
        if min(drawn.shape[:2]) < SHORTEST_SIDE_PX:
            return drawn, (LabelKind.VISIBLE,)
        marked, is_kept = embed(drawn, origin.mark)
        return marked, (LabelKind.VISIBLE, LabelKind.WATERMARK) if is_kept else (LabelKind.VISIBLE,)

    def _photo(self, made: Photo, target: Path, origin: Origin, *, visible: bool) -> list[LabelKind]:
        pixels = self._visible.draw(made.pixels) if visible else made.pixels
        _check_size(pixels)
        marked, is_kept = embed(pixels, origin.mark)
        target.write_bytes(with_origin(encode_photo(marked, made.format, JPEG_QUALITY), made.format, origin))
        return _labels(visible=visible, watermark=is_kept)

    def _video(
        self, made: Video, target: Path, origin: Origin, visible: bool, cancelled: Callable[[], bool]
    ) -> list[LabelKind]:
        label = self.frames(origin, visible=visible)

        def paint(frame: Image) -> Image:
            if cancelled():
                raise SwapCancelled
            return label.apply(frame)

        written = target.with_name(f"{target.name}.mp4")
        try:
            self._rewrite_video(made.path, written, paint)
            with written.open("r+b") as file:
                append_to_mp4(file, origin)
            written.replace(target)
        finally:
            written.unlink(missing_ok=True)
        return _labels(visible=visible, watermark=True)


class FrameLabel:
    """For any number of threads."""

    def __init__(self, visible: VisibleLabel | None, mark: FrameMark) -> None:
        self._visible = visible
        self._mark = mark

    def apply(self, frame: Image) -> Image:
        """A labelled copy: [H, W, 3] uint8 RGB.

        Raises:
            LabellingError: the frame is too small for the invisible label.
        """
        _check_size(frame)
        return self._mark.embed(frame if self._visible is None else self._visible.draw(frame))


def _check_size(picture: Image) -> None:
    if min(picture.shape[:2]) < SHORTEST_SIDE_PX:
        raise LabellingError(
            f"Pictures whose shorter side has less than {SHORTEST_SIDE_PX} pixels have no room for the invisible label."
        )


def _labels(*, visible: bool, watermark: bool) -> list[LabelKind]:
    kinds = [LabelKind.VISIBLE] if visible else []
    return [*kinds, LabelKind.XMP, LabelKind.AIGC, *([LabelKind.WATERMARK] if watermark else [])]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
