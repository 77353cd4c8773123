"""How often a stream looks for faces: as often as asked, and more seldom while looks have to wait for others."""

import math

ROOM = 1.25
"""So much longer than a look with its wait takes is the time until the next one, while most of it is waiting."""
TOO_LONG_S = 0.3
"""Looks that wait longer are made more and more seldom until they do not."""
CROWDED_S = 0.15
SLOWEST_S = 4.0
_STEP = 1.25
_WEIGHT = 0.2
"""Of the newest look in the means."""


class Pace:
    """Of one stream. A look that only takes long by itself is no reason: nobody would be served sooner."""

    def __init__(self, least: int) -> None:
        """`least`: faces are looked for in every so many frames at the most often."""
        self._least = least
        self._every = least
        self._waited_s = 0.0
        self._worked_s = 0.0

    @property
    def is_crowded(self) -> bool:
        """Looks wait for others: whatever else can be left undone should be. From any thread."""
        return self._waited_s > CROWDED_S

    def after(self, waited_s: float, worked_s: float | None, fps: float) -> int:
        """In how many frames the next look is due.

        Args:
            waited_s: until a worker was free for the look that is over now.
            worked_s: what it took from then on; None: it had waited too long, and was dropped.
            fps: of the source.
        """
        self._waited_s += _WEIGHT * (waited_s - self._waited_s)
        if worked_s is not None:
            self._worked_s += _WEIGHT * (worked_s - self._worked_s)
        frames = (self._waited_s + self._worked_s) * fps
        is_crowded = self._waited_s > self._worked_s and frames > self._least
        enough = math.ceil(ROOM * frames) if is_crowded else self._least
        if self._waited_s > TOO_LONG_S:
            slower = math.ceil(_STEP * max(self._every, enough))
            self._every = max(self._least, min(slower, round(SLOWEST_S * fps)))
        else:
            self._every = max(enough, self._every - 1)
        return self._every
