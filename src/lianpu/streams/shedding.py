"""What of a live video is not decoded while the machine cannot decode it all.

A reader that falls behind shows what was, not what is; and where looks for faces wait for a processor, most of what is
decoded is never looked at. So frames that no other frame needs are left out, then all but key frames, until there is
room; and reading threads give way to those that look for faces and answer requests.
"""

import os
import sys
import threading
from enum import IntEnum, StrEnum
from typing import Literal

LATE_S = 0.5
"""Behind by more is late."""
_HARD_S = 1.0
"""At least so long between two steps up: what was left out needs a while to show."""
_CALM_S, _LONGEST_CALM_S = 10.0, 160.0
_JUMP_S = 30.0
_NICER_BY = 10


class Decoded(StrEnum):
    """Which frames of a source are decoded."""

    ALL = "all"
    REFERENCED = "referenced"
    """Those that other frames are made from."""
    KEY_FRAMES = "key_frames"


class Shed(IntEnum):
    NOTHING = 0
    UNREFERENCED = 1
    ALL_BUT_KEY_FRAMES = 2

    @property
    def skip_frame(self) -> Literal["DEFAULT", "NONREF", "NONKEY"]:
        """As FFmpeg's decoders call it."""
        return _SKIPPED[self]

    @property
    def decoded(self) -> Decoded:
        return tuple(Decoded)[self]


_SKIPPED: dict[Shed, Literal["DEFAULT", "NONREF", "NONKEY"]] = {
    Shed.NOTHING: "DEFAULT",
    Shed.UNREFERENCED: "NONREF",
    Shed.ALL_BUT_KEY_FRAMES: "NONKEY",
}


class Shedding:
    """Of one reader. A step back that proves too early is tried again later and later."""

    def __init__(self) -> None:
        self.level = Shed.NOTHING
        self._changed_s = 0.0
        self._lowered_s: float | None = None
        self._short_at_s = 0.0
        self._calm_s = _CALM_S

    def after(self, now_s: float, *, is_short: bool, is_key_frame: bool) -> Shed:
        """What is left out from this frame on.

        Args:
            now_s: on any clock.
            is_short: frames are decoded late, or what is to be done with them has to wait.
            is_key_frame: only from such a frame on can more be decoded than before.
        """
        if is_short:
            self._short_at_s = now_s
            if self.level < Shed.ALL_BUT_KEY_FRAMES and now_s - self._changed_s >= _HARD_S:
                if self._lowered_s is not None and now_s - self._lowered_s < self._calm_s:
                    self._calm_s = min(2 * self._calm_s, _LONGEST_CALM_S)
                self.level, self._changed_s = Shed(self.level + 1), now_s
        elif self.level and is_key_frame and now_s - max(self._short_at_s, self._changed_s) >= self._calm_s:
            self.level, self._changed_s, self._lowered_s = Shed(self.level - 1), now_s, now_s
        return self.level


class SourceClock:
    """When frames are due: those of a file at its own speed, those of a camera as soon as its fastest one came."""

    def __init__(self, *, is_file: bool) -> None:
        self._is_file = is_file
        self._offset_s: float | None = None

    def behind_s(self, time_s: float, now_s: float) -> float:
        """By how much later than due a frame was decoded; negative (of a file): so long until it is due.

        Args:
            time_s: the frame's own time.
            now_s: on a steady clock.
        """
        offset_s = now_s - time_s
        known = self._offset_s
        # Where the time of a source jumps, it begins anew.
        if known is None or abs(offset_s - known) > _JUMP_S or (offset_s < known and not self._is_file):
            known = self._offset_s = offset_s
        return offset_s - known


def give_way() -> None:
    """This thread, and those that it starts, work when others do not need the processor (where the system can)."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + _NICER_BY))
