"""A server's memory stays in memory: no core dump, no other process of the same user looks in; what swap does, told."""

import ctypes
import logging
import sys
from contextlib import suppress
from pathlib import Path

PR_SET_DUMPABLE = 4
_log = logging.getLogger(__name__)


def keep_memory_private() -> None:
    """No core dumps, and no debugger of others than root. What the system does not have is left out."""
    try:
        import resource
    except ImportError:  # Windows
        return
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:
        _log.warning("core dumps cannot be switched off", extra={"reason": str(error)})
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def swap_areas(path: Path = Path("/proc/swaps")) -> list[str] | None:
    """Where memory may be written to; None: this system does not tell."""
    try:
        lines = path.read_text().splitlines()[1:]
    except OSError:
        return None
    return [line.split()[0] for line in lines if line.strip()]
