"""Runs somebody else's program: a process group of its own, limits that are kept, and nothing of it left afterwards."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

_POLL_S = 0.1
_LOG_CHARS = 64_000
_LINE_CHARS = 4_000
_END_S = 5.0


class Ending(StrEnum):
    EXITED = "exited"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    CANCELLED = "cancelled"
    NOT_STARTED = "not_started"


@dataclass(frozen=True, slots=True)
class Outcome:
    ending: Ending
    exit_code: int | None
    """Negative: the signal that ended it. None: it was ended from here, or never began."""
    log: str
    """The end of what it wrote to its standard output and error."""
    peak_bytes: int
    """Most memory that its processes held together, as seen ten times a second."""


@dataclass(frozen=True, slots=True)
class Limits:
    time_s: float
    memory_bytes: int | None = None


def run_program(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    limits: Limits,
    cancelled: Callable[[], bool],
    on_line: Callable[[str], None] | None = None,
) -> Outcome:
    """Run a command to its end, or end it: after its time, above its memory, or when cancelled.

    Whatever the ending, every process that it started is ended, those that left its group too, as long as they were
    seen. It gets no input, and writes no core dump.

    Args:
        folder: its working folder.
        environment: all variables that it gets.
        on_line: told each line it writes (also those ended by a carriage return), on a thread of its own.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 (the administrator's own file names the program)
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except OSError as error:
        return Outcome(Ending.NOT_STARTED, None, str(error.strerror or error), 0)
    # The family first: only when all of it has ended does what is listened to end.
    with _listening(process, on_line) as log, _family(process) as family:
        ending = _waited(process, family, limits, cancelled)
    exit_code = process.returncode if ending is Ending.EXITED else None
    return Outcome(ending, exit_code, log.text, family.peak_bytes)


def _waited(
    process: "subprocess.Popen[bytes]", family: "_Family", limits: Limits, cancelled: Callable[[], bool]
) -> Ending:
    deadline_s = time.monotonic() + limits.time_s
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_S)
            return Ending.EXITED
        held_bytes = family.look()
        if cancelled():
            return Ending.CANCELLED
        if time.monotonic() > deadline_s:
            return Ending.TIMED_OUT
        if limits.memory_bytes is not None and held_bytes > limits.memory_bytes:
            return Ending.OUT_OF_MEMORY


class _Family:
    """The process and all that it started."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._seen: dict[int, psutil.Process] = {}
        self.peak_bytes = 0

    def look(self) -> int:
        """Bytes that all of them hold now; remembers who they are."""
        with contextlib.suppress(psutil.Error):
            root = self._seen.get(self._process.pid) or psutil.Process(self._process.pid)
            for member in (root, *root.children(recursive=True)):
                self._seen.setdefault(member.pid, member)
        held = 0
        for member in list(self._seen.values()):
            with contextlib.suppress(psutil.Error):
                # Compares the time of its start, so that a number used again is another process.
                held += member.memory_info().rss if member.is_running() else 0
        self.peak_bytes = max(self.peak_bytes, held)
        return held

    def end(self) -> None:
        if self._process.poll() is None:
            self.look()
        if os.name == "posix":
            # The group is the process's own: it was made for it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        members = [member for member in self._seen.values() if member.pid != self._process.pid]
        for member in members:
            with contextlib.suppress(psutil.Error):
                if member.is_running():
                    member.kill()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        psutil.wait_procs(members, timeout=_END_S)


@contextmanager
def _family(process: "subprocess.Popen[bytes]") -> Generator[_Family]:
    family = _Family(process)
    try:
        _limit_core_dumps(process.pid)
        family.look()
        yield family
    finally:
        family.end()


def _limit_core_dumps(pid: int) -> None:
    if hasattr(psutil, "RLIMIT_CORE"):
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            psutil.Process(pid).rlimit(psutil.RLIMIT_CORE, (0, 0))


class _Log:
    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self._on_line = on_line
        self._lines: deque[str] = deque()
        self._chars = 0
        self._rest = ""

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def add(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data.decode("utf-8", "replace")).replace("\r", "\n").split("\n")
        if len(self._rest) > _LINE_CHARS:
            lines, self._rest = [*lines, self._rest], ""
        for line in lines:
            self._keep(line)

    def close(self) -> None:
        self._keep(self._rest)

    def _keep(self, line: str) -> None:
        line = line.rstrip()[:_LINE_CHARS]
        if not line:
            return
        self._lines.append(line)
        self._chars += len(line)
        while self._chars > _LOG_CHARS:
            self._chars -= len(self._lines.popleft())
        if self._on_line is not None:
            self._on_line(line)


@contextmanager
def _listening(process: "subprocess.Popen[bytes]", on_line: Callable[[str], None] | None) -> Generator[_Log]:
    log = _Log(on_line)
    stream = process.stdout
    assert stream is not None

    def listen() -> None:
        # A process that got away may hold the pipe open: then the end is not waited for.
        with contextlib.suppress(ValueError, OSError):
            while data := os.read(stream.fileno(), 65536):
                log.add(data)

    thread = threading.Thread(target=listen, name="external engine", daemon=True)
    thread.start()
    try:
        yield log
    finally:
        thread.join(_END_S)
        if not thread.is_alive():
            log.close()
            stream.close()
