"""Video files picture by picture: read upright, and written again with other pictures at the same times, same sound."""

import contextlib
import errno
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import av.error
import cv2
import numpy as np
from av.video.reformatter import Interpolation

from lianpu.engines.face.face import Image
from lianpu.errors import SwapDiskFullError, SwapTargetInvalidError, SwapUnsupportedError

CODECS = {".mp4": "libx264", ".m4v": "libx264", ".mov": "libx264", ".mkv": "libx264", ".webm": "libvpx-vp9"}
"""What each kind of file is written with; both play in browsers."""
_OPTIONS = {
    "libx264": {"crf": "18", "preset": "veryfast"},
    "libvpx-vp9": {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
}
_MOVABLE = {".mp4", ".m4v", ".mov"}
_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
# Otherwise swscale rounds down, and each rewriting darkens the picture a little.
_EXACT: Any = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
_BT709 = 1
# Of ITU-T H.273: BT.709 and the two of BT.601, those that swscale's names below stand for.
_KNOWN_MATRICES = {1, 5, 6}
_UNSPECIFIED = 2


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What a video's container and first picture say."""

    width: int
    """Pixels of the upright picture, as `height`."""
    height: int
    frames: int | None
    """As the container says; None where it does not."""
    duration_s: float | None
    has_audio: bool


@dataclass(frozen=True, slots=True)
class Picture:
    number: int
    pixels: Image
    """[H, W, 3] uint8 RGB, upright."""


@dataclass(frozen=True, slots=True)
class Written:
    frames: int
    has_audio: bool
    notes: tuple[str, ...]


Paint = Callable[[Picture], Image]


def video_facts(path: Path) -> VideoFacts:
    """
    Raises:
        SwapTargetInvalidError: it cannot be opened, or holds no picture.
    """
    with _opened(path) as container:
        stream = _picture_stream(container, path)
        first = next(iter(_decoded(container, stream, path)), None)
        if first is None:
            raise SwapTargetInvalidError(f"{path.name} holds no picture that can be decoded.")
        height, width = _upright(first).shape[:2]
        duration = container.duration
        return VideoFacts(
            width, height, stream.frames or None, None if duration is None else duration / 1e6, bool(_sounds(container))
        )


def pictures(path: Path) -> Iterator[Picture]:
    """Every picture of a video, upright, in the order they are shown.

    Raises:
        SwapTargetInvalidError: it cannot be opened or decoded, or holds no picture.
    """
    with _opened(path) as container:
        stream = _picture_stream(container, path)
        for number, frame in enumerate(_decoded(container, stream, path)):
            yield Picture(number, _upright(frame))


def rewrite(source: Path, output: Path, paint: Paint) -> Written:
    """A video of the painted pictures: every one at its time, sound copied as it is, turned upright for good.

    Written with 4:2:0 colours, which need an even number of pixels: the last row or column is doubled where it is odd.

    Args:
        output: `.mp4`, `.m4v`, `.mov`, `.mkv` (H.264) or `.webm` (VP9); deleted where writing fails.
        paint: gives the picture to show instead, of the same size; what it raises passes through.

    Raises:
        SwapTargetInvalidError: the source cannot be decoded.
        SwapUnsupportedError: the output is of another kind, or cannot hold the sound.
        SwapDiskFullError: there is no room for the output.
    """
    codec = CODECS.get(output.suffix.lower())
    if codec is None:
        raise SwapUnsupportedError(
            f"Videos are written as {', '.join(sorted(CODECS))}, not as {output.suffix or 'a file without suffix'}."
        )
    try:
        with _opened(source) as reading:
            options = {"movflags": "faststart"} if output.suffix.lower() in _MOVABLE else {}
            with av.open(str(output), "w", options=options) as writing:
                return _Rewriting(reading, writing, source, codec, paint).run()
    except BaseException as error:
        output.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise SwapDiskFullError(f"There is no room for {output.name}: {error.strerror}.") from error
        if isinstance(error, av.error.FFmpegError):
            raise SwapUnsupportedError(f"{output.name} cannot be written: {error.strerror}.") from error
        raise


class _Rewriting:
    def __init__(self, reading: Any, writing: Any, source: Path, codec: str, paint: Paint) -> None:
        self._reading, self._writing = reading, writing
        self._source = source
        self._codec = codec
        self._paint = paint
        self._stream = _picture_stream(reading, source)
        self._sounds = {sound.index: writing.add_stream_from_template(sound) for sound in _sounds(reading)}
        self._out: Any = None
        self._size = (0, 0)
        self._last_pts: int | None = None
        self._notes: list[str] = []

    def run(self) -> Written:
        number = 0
        # A container's streams are set before the first packet: sound that comes before the first picture waits.
        waiting: list[Any] = []
        for packet in self._reading.demux([self._stream, *_sounds(self._reading)]):
            if packet.stream.index in self._sounds:
                if packet.dts is None:
                    continue
                packet.stream = self._sounds[packet.stream.index]
                if self._out is None:
                    waiting.append(packet)
                else:
                    self._writing.mux(packet)
                continue
            for frame in _frames_of(packet, self._source):
                self._write(number, frame)
                number += 1
                while waiting:
                    self._writing.mux(waiting.pop(0))
        if self._out is None:
            raise SwapTargetInvalidError(f"{self._source.name} holds no picture that can be decoded.")
        self._writing.mux(self._out.encode(None))
        return Written(number, bool(self._sounds), tuple(self._notes))

    def _write(self, number: int, frame: av.VideoFrame) -> None:
        painted = self._paint(Picture(number, _upright(frame)))
        out = self._out = self._out or self._begin(painted)
        width, height = self._size
        painted = cv2.copyMakeBorder(
            painted, 0, height - painted.shape[0], 0, width - painted.shape[1], cv2.BORDER_REPLICATE
        )
        made = av.VideoFrame.from_ndarray(np.ascontiguousarray(painted, np.uint8), format="rgb24")
        made = made.reformat(
            format="yuv420p", dst_colorspace=_matrix(frame), dst_color_range="MPEG", interpolation=_EXACT
        )
        made.pts = self._time(number, frame)
        made.time_base = out.codec_context.time_base
        self._writing.mux(out.encode(made))

    def _begin(self, painted: Image) -> Any:
        height, width = painted.shape[:2]
        self._size = (width + width % 2, height + height % 2)
        if self._size != (width, height):
            self._notes.append(f"{width}x{height} became {self._size[0]}x{self._size[1]}: 4:2:0 needs even sizes")
        rate = self._stream.average_rate or self._stream.base_rate or Fraction(25)
        out = self._writing.add_stream(self._codec, rate=rate, options=_OPTIONS[self._codec])
        out.width, out.height = self._size
        out.pix_fmt = "yuv420p"
        context = out.codec_context
        context.time_base = self._stream.time_base or 1 / Fraction(rate)
        context.color_range = 1
        for name in ("colorspace", "color_primaries", "color_trc"):
            value = getattr(self._stream.codec_context, name)
            if value and value != _UNSPECIFIED and (name != "colorspace" or value in _KNOWN_MATRICES):
                setattr(context, name, value)
        return out

    def _time(self, number: int, frame: av.VideoFrame) -> int:
        """Of the source; where it says nothing or goes back, one tick after the last."""
        base = cast(Fraction, self._out.codec_context.time_base)
        if frame.pts is not None and frame.time_base is not None:
            pts = round(frame.pts * frame.time_base / base)
        else:
            pts = round(number / Fraction(self._stream.average_rate or 25) / base)
        if self._last_pts is not None and pts <= self._last_pts:
            pts = self._last_pts + 1
        self._last_pts = pts
        return pts


@contextlib.contextmanager
def _opened(path: Path) -> Generator[Any]:
    try:
        # What a file names further (a playlist, a list of parts) is not opened.
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise SwapTargetInvalidError(f"{path.name} is no video that can be opened.") from error
    with container:
        yield container


def _picture_stream(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise SwapTargetInvalidError(f"{path.name} holds no picture.")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    return stream


def _sounds(container: Any) -> list[Any]:
    return list(container.streams.audio)


def _decoded(container: Any, stream: Any, path: Path) -> Iterator[av.VideoFrame]:
    try:
        for packet in container.demux(stream):
            yield from _frames_of(packet, path)
    except av.error.FFmpegError as error:
        raise SwapTargetInvalidError(f"{path.name} cannot be read to its end: {error.strerror}.") from error


def _frames_of(packet: Any, path: Path) -> list[av.VideoFrame]:
    try:
        return list(packet.decode())
    except av.error.FFmpegError as error:
        raise SwapTargetInvalidError(f"{path.name} cannot be decoded: {error.strerror}.") from error


def _upright(frame: av.VideoFrame) -> Image:
    pixels = frame.reformat(format="rgb24", src_colorspace=_matrix(frame), interpolation=_EXACT).to_ndarray()
    turn = _TURNS.get(round(frame.rotation) % 360)
    return cast(Image, pixels if turn is None else cv2.rotate(pixels, turn))


def _matrix(frame: av.VideoFrame) -> Any:
    """The YUV matrix; the same is used both ways, so that untouched pixels stay as they were."""
    return "ITU709" if int(frame.colorspace) == _BT709 else "ITU601"
