"""How far the enhancement of a photo is: told to whoever waits, and stopped where nobody does any more."""

from collections.abc import Callable

from lianpu.engines.restore.enhancement import EnhancementCancelled, OnStage, Stage
from lianpu.engines.restore.tiling import OnShare


class Course:
    """Every step ends with a look at whether it goes on."""

    def __init__(self, on_stage: OnStage, cancelled: Callable[[], bool]) -> None:
        self._on_stage = on_stage
        self._cancelled = cancelled

    def at(self, stage: Stage, done: float) -> None:
        """
        Args:
            done: of the whole, 0…1.

        Raises:
            EnhancementCancelled: nobody waits any more.
        """
        if self._cancelled():
            raise EnhancementCancelled
        # Rounded: the sums of shares must not take the whole back by a hair.
        self._on_stage(stage, min(1.0, max(0.0, round(done, 6))))

    def within(self, stage: Stage, begin: float, end: float) -> OnShare:
        """For work that tells its own share, 0…1, of what lies between two points of the whole."""
        return lambda share: self.at(stage, end if share >= 1 else begin + (end - begin) * share)
