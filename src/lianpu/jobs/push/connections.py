"""How many connections of a kind one user may have at once."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from lianpu.errors import ConnectionLimitError


class Connections:
    def __init__(self, most: int, *, kind: str, retry_after_s: float) -> None:
        """
        Args:
            kind: as users are told of it, such as `push`.
            retry_after_s: when one that broke will have been noticed.
        """
        self._most = most
        self._kind = kind
        self._retry_after_s = max(1, round(retry_after_s))
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """Of all users together."""
        return self._open.total()

    @contextmanager
    def one_of(self, principal_id: str) -> Generator[None]:
        """
        Raises:
            ConnectionLimitError: this one has as many as he may.
        """
        if self._open[principal_id] >= self._most:
            raise ConnectionLimitError(
                f"There are {self._most} {self._kind} connections of yours: close one, or share one.",
                retry_after_s=self._retry_after_s,
            )
        self._open[principal_id] += 1
        try:
            yield
        finally:
            self._open[principal_id] -= 1
            if not self._open[principal_id]:
                del self._open[principal_id]
