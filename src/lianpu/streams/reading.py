"""Decoded frames from any source that may be read: RTSP over TCP, HTTP (progressive, MJPEG, HLS), files, webcams."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any, cast
from urllib.parse import quote, urljoin

import av
import av.container
import av.error
from av.codec.hwaccel import HWAccel
from av.video.stream import VideoStream

from lianpu.errors import SourceLostError
from lianpu.streams.addresses import Resolve, Source, SourceKind, SourceRules, checked_source
from lianpu.streams.decoding import SOFTWARE, Choice, Decoder, HardwareDecoding, problem_of
from lianpu.streams.fetching import MAX_REDIRECTS, CheckedHttp
from lianpu.streams.frames import Frame, Pixels
from lianpu.streams.relay import RtspRelay
from lianpu.streams.shedding import LATE_S, Decoded, Shedding, SourceClock
from lianpu.streams.webcams import webcam

OPEN_S = 10.0
READ_S = 10.0
# Decoders that wait for late frames show everything later than it is.
_LOW_DELAY = {"fflags": "nobuffer", "flags": "low_delay"}
# A decoder that works on several frames at once gives each of them out later.
_LIVE = frozenset({SourceKind.RTSP, SourceKind.WEBCAM})


class VideoReader:
    """`with VideoReader(…) as reader: for frame in reader.frames(): …`, in one thread; `end` from any."""

    def __init__(
        self,
        source: Source,
        rules: SourceRules,
        *,
        paced: bool = True,
        resolve: Resolve | None = None,
        name: str = "source",
        hardware: HardwareDecoding | None = None,
        is_crowded: Callable[[], bool] = lambda: False,
    ) -> None:
        """
        Args:
            is_crowded: whether what is done with frames has to wait: less is decoded then. For the reading thread.
            paced: frames of a file come at its own speed; else as fast as they can be decoded.
            name: of the threads that it starts.
            hardware: the device that decodes; None: software does.
        """
        self._source = source
        self._rules = rules
        self._paced = paced and source.kind is SourceKind.FILE
        self._resolve = resolve
        self._name = name
        self._parts = ExitStack()
        self._relay: RtspRelay | None = None
        self._http: CheckedHttp | None = None
        self._closed = threading.Event()
        self._is_open = False
        self._is_timed = self._paced or source.kind in _LIVE
        self._shedding = Shedding()
        self._is_crowded = is_crowded
        self._hardware = hardware or HardwareDecoding()
        self.source_fps: float | None = None
        """As the source says."""
        self.decoder: Decoder | None = None
        """Known with the first frame."""

    @property
    def decoded(self) -> Decoded:
        """What is decoded now: less than all where the machine cannot keep up."""
        return self._shedding.level.decoded

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._parts.close()

    def end(self) -> None:
        """From any thread, without waiting: reading ends at once, as at the end of a file."""
        self._closed.set()
        for part in (self._relay, self._http):
            if part is not None:
                part.end()

    def frames(self) -> Iterator[Frame]:
        """
        Raises:
            SourceRefusedError: it leads to where it may not.
            SourceLostError: it cannot be opened, ends in the middle, or holds no video.
        """
        choice = self._hardware.choice()
        try:
            try:
                yield from self._frames_by(choice)
            except (av.error.FFmpegError, OSError) as error:
                software = None if self._closed.is_set() else self._instead_of(choice.device, _reason(error))
                if software is None:
                    raise
                self._parts.close()
                yield from self._frames_by(software)
        except SourceLostError:
            if not self._closed.is_set():
                raise
        except (av.error.FFmpegError, OSError) as error:
            if self._closed.is_set():
                return
            raise SourceLostError(f"{self._source.shown} cannot be read: {_reason(error)}.") from error

    def _frames_by(self, choice: Choice) -> Iterator[Frame]:
        container = self._opened(choice.device)
        self._parts.callback(container.close)
        self._is_open = True
        yield from self._decoded(container, choice)

    def _instead_of(self, device: str | None, reason: str) -> Choice | None:
        """Software, where it was the device that failed; None: it was the source."""
        if device is None or self.decoder is not None:
            return None
        if problem_of(device) is not None:
            return self._hardware.give_up(reason)
        return Choice(None, f"{device} decoded nothing: {reason}.") if self._is_open else None

    def _decoded(self, container: av.container.InputContainer, choice: Choice) -> Iterator[Frame]:
        if not container.streams.video:
            raise SourceLostError(f"{self._source.shown} holds no video.")
        stream = container.streams.video[0]
        is_alone = self._source.kind in _LIVE or choice.device is not None
        stream.thread_type = "SLICE" if is_alone else "AUTO"
        self.source_fps = float(stream.average_rate or 0) or None
        clock = SourceClock(is_file=self._paced)
        behind_s = 0.0
        number = 0
        for packet in container.demux(stream):
            if self._closed.is_set():
                return
            if self._is_timed:
                is_short = behind_s > LATE_S or self._is_crowded()
                level = self._shedding.after(time.monotonic(), is_short=is_short, is_key_frame=packet.is_keyframe)
                stream.codec_context.skip_frame = level.skip_frame
            pictures = packet.decode()
            number += not pictures and self._shedding.level > 0
            for picture in pictures:
                if self.decoder is None:
                    self.decoder = _decoder_of(stream, picture, choice)
                if self._is_timed and picture.pts is not None:
                    behind_s = clock.behind_s(picture.time, time.monotonic())
                    self._closed.wait(max(0.0, -behind_s))
                if self._closed.is_set():
                    return
                yield Frame(number, partial(_pixels, picture), time.monotonic())
                number += 1

    def _opened(self, device: str | None) -> av.container.InputContainer:
        if self._source.kind is SourceKind.RTSP:
            return self._opened_rtsp(self._source, device)
        if self._source.kind is SourceKind.HTTP:
            self._http = CheckedHttp(self._rules, self._resolve)
            self._parts.callback(self._http.close)
            self._end_if_closed()
            return self._opened_http(self._http, device)
        if self._source.kind is SourceKind.FILE:
            # What a file names further (a playlist, a concat list) is not opened.
            return _open(f"file:{self._source.address}", {"protocol_whitelist": "file"}, device, io_open=None)
        if self._source.kind is SourceKind.WEBCAM:
            camera = webcam(int(self._source.address))
            return _open(camera.address, _LOW_DELAY, device, io_open=None, container_format=camera.format)
        raise SourceLostError(f"{self._source.shown} is none that is read here.")

    def _opened_http(self, http: CheckedHttp, device: str | None) -> av.container.InputContainer:
        def io_open(address: str, _flags: int, _options: dict[str, str]) -> Any:
            first = address == self._source.address
            return http.open(self._source if first else http.checked(address), credentials_of=self._source)

        # FFmpeg's HLS reader takes whatever is called http for a connection of its own, and ends the process if not.
        own = {"http_persistent": "0", "http_multiple": "0"}
        return _open(self._source.address, own, device, io_open=io_open)

    def _opened_rtsp(self, source: Source, device: str | None) -> av.container.InputContainer:
        for _ in range(MAX_REDIRECTS + 1):
            relay = self._started_relay(source)
            credentials = ""
            if self._source.user is not None:
                credentials = f"{quote(self._source.user, safe='')}:{quote(self._source.password or '', safe='')}@"
            path = source.address.partition("://")[2].partition("/")[2]
            address = f"rtsp://{credentials}127.0.0.1:{relay.port}/{path}"
            try:
                return _open(address, {"rtsp_transport": "tcp", **_LOW_DELAY}, device, io_open=None)
            except (av.error.FFmpegError, OSError):
                relay.close()
                if relay.redirect is None or self._closed.is_set():
                    raise
                source = self._redirected(source, relay.redirect)
        raise SourceLostError(f"More than {MAX_REDIRECTS} redirects.")

    def _started_relay(self, source: Source) -> RtspRelay:
        tls_host = source.host if source.address.startswith("rtsps:") else None
        self._relay = RtspRelay(source.ip_addresses, source.port, tls_host=tls_host, name=f"{self._name}-relay")
        self._end_if_closed()
        return self._parts.enter_context(self._relay)

    def _end_if_closed(self) -> None:
        """What began while `end` was called, and was not seen by it."""
        if self._closed.is_set():
            self.end()

    def _redirected(self, source: Source, location: str) -> Source:
        target = checked_source(urljoin(source.address, location), self._rules, self._resolve)
        if target.kind is not SourceKind.RTSP:
            raise SourceLostError("The camera leads to something that is no camera.")
        if (target.host, target.port) != (source.host, source.port):
            # The password was given for the first host alone.
            self._source = replace(self._source, user=None, password=None)
        return target


def _pixels(picture: av.VideoFrame) -> Pixels:
    return cast(Pixels, picture.to_ndarray(format="rgb24"))


def _decoder_of(stream: VideoStream, picture: av.VideoFrame, choice: Choice) -> Decoder:
    """A device's frames have its own pixel format until they are fetched from it; software's never change theirs."""
    context = stream.codec_context
    if choice.device is None:
        return Decoder(context.name, SOFTWARE, choice.notice)
    if context.is_hwaccel and context.pix_fmt != picture.format.name:
        return Decoder(context.name, choice.device)
    return Decoder(context.name, SOFTWARE, f"{choice.device} cannot decode this {context.name} video.")


def _open(
    address: str, options: dict[str, str], device: str | None, *, io_open: Any, container_format: str | None = None
) -> av.container.InputContainer:
    accelerator = None if device is None else HWAccel(device)
    timeouts = (OPEN_S, READ_S)
    return av.open(
        address, format=container_format, options=options, timeout=timeouts, io_open=io_open, hwaccel=accelerator
    )


def _reason(error: Exception) -> str:
    """Without the address, in which there may be a password."""
    return getattr(error, "strerror", None) or type(error).__name__
