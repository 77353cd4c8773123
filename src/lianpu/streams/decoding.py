"""What decodes a stream's video: a device made for it where one is asked for and works, else the processor.

Software decodes whatever hardware cannot, so nothing fails for want of a device; but it is told, never silent.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import av
import av.error
from av.codec import Codec
from av.codec.hwaccel import HWAccel, hwdevices_available

AUTO, OFF = "auto", "off"
SOFTWARE = "software"
# Those that only decode (or are one vendor's whole driver) before those that stand for several.
PREFERRED = ("videotoolbox", "cuda", "d3d11va", "vaapi", "qsv")
_PROBED_CODECS = ("h264", "hevc", "vp9", "av1", "mjpeg")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decoder:
    """What really decodes a stream."""

    codec: str
    """As FFmpeg calls it: `h264`."""
    device: str
    """FFmpeg's type of device, such as `cuda`; or `software`."""
    notice: str | None = None
    """For people: why it is not the device that was asked for."""


@dataclass(frozen=True, slots=True)
class Choice:
    device: str | None
    """None: software."""
    notice: str | None = None


class HardwareDecoding:
    """Of one process: which device is used, found out once. From any thread."""

    def __init__(self, wanted: str = OFF) -> None:
        """`wanted`: `auto`, `off`, or a type of device as FFmpeg calls it."""
        self._wanted = wanted
        self._lock = threading.Lock()
        self._choice: Choice | None = None

    def choice(self) -> Choice:
        """Blocks at the first call: devices are opened."""
        with self._lock:
            if self._choice is None:
                self._choice = self._found()
                if self._choice.notice is not None:
                    _log.info("streams are decoded in software: %s", self._choice.notice)
            return self._choice

    def give_up(self, reason: str) -> Choice:
        """The device does not work any more: software from now on, until the server starts again."""
        with self._lock:
            device = self._choice.device if self._choice is not None else None
            self._choice = Choice(None, f"{device} works no longer: {reason}.")
            _log.warning("streams are decoded in software: %s", self._choice.notice)
            return self._choice

    def _found(self) -> Choice:
        if self._wanted == OFF:
            return Choice(None)
        here = hwdevices_available()
        if self._wanted != AUTO:
            problem = problem_of(self._wanted, here)
            return Choice(self._wanted) if problem is None else Choice(None, f"{self._wanted}: {problem}.")
        problems: list[str] = []
        for device in (one for one in PREFERRED if one in here):
            problem = problem_of(device, here)
            if problem is None:
                return Choice(device)
            problems.append(f"{device}: {problem}")
        tried = "; ".join(problems) or f"this FFmpeg knows none of {', '.join(PREFERRED)}"
        return Choice(None, f"no hardware decoder works here ({tried}).")


def problem_of(device: str, here: Sequence[str] | None = None) -> str | None:
    """Why nothing can be decoded by this type of device; None: something can. Blocks, and holds nothing afterwards.

    Args:
        here: types of devices that FFmpeg was built with; None: as it says.
    """
    here = hwdevices_available() if here is None else here
    if device not in here:
        # FFmpeg takes an unknown name for any device at all.
        return f"this FFmpeg knows no such type of device, but {', '.join(here) or 'none'}"
    problem = "it decodes nothing in this FFmpeg"
    for name in _PROBED_CODECS:
        try:
            HWAccel(device).create(Codec(name, "r"))
        except NotImplementedError:
            continue  # not this codec
        except (av.error.FFmpegError, ValueError, OSError) as error:
            problem = getattr(error, "strerror", None) or type(error).__name__
        else:
            return None
    return problem
