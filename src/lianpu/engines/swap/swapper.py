"""One interface for every face-swap engine: what it can do, whether it is ready, and one run of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from lianpu.engines.face.face import Box, Image


class SwapKind(StrEnum):
    """What a swap is made of."""

    IMAGE = "image"
    VIDEO = "video"
    LIVE = "live"


class Readiness(StrEnum):
    READY = "ready"
    DEGRADED = "degraded"
    """It runs, but not as asked for, such as without the wanted provider."""
    NOT_INSTALLED = "not_installed"
    MODEL_MISSING = "model_missing"
    PROVIDER_MISSING = "provider_missing"
    BROKEN = "broken"
    """It is there and cannot be run."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    """Such as `python`, `ffmpeg`, `models`."""
    is_ok: bool
    detail: str
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class EngineReport:
    engine: str
    readiness: Readiness
    version: str | None
    provider: str | None
    """What would really run it, such as `CPUExecutionProvider`; None: not known."""
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class SwapCapabilities:
    kinds: frozenset[SwapKind]
    providers: Sequence[str]
    needs_weights: bool
    is_external: bool
    """Runs in a process and environment of its own, with the files in a temporary folder."""
    licence: str
    commercial: bool
    many_faces: bool


@dataclass(frozen=True, slots=True)
class SwapFaces:
    """Which faces of the target are replaced."""

    all_faces: bool = False
    """Else the largest one alone."""
    only: Box | None = None
    """Else the face in this box, in pixels of the upright target image; of a video's first frame with a face."""


@dataclass(frozen=True, slots=True)
class SwapJob:
    """One run. The files lie in the job's own temporary folder; the engine writes `output` and nothing else stays."""

    kind: SwapKind
    source: Path
    """Photo of the person whose face is used; PNG or JPEG, upright."""
    target: Path
    """Photo (PNG or JPEG, upright) or video."""
    output: Path
    """Same suffix as the target."""
    work_folder: Path
    """For the engine's own temporary files; deleted by the caller."""
    faces: SwapFaces = SwapFaces()
    time_limit_s: float = 3600.0
    memory_limit_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class SwapResult:
    """A run that was checked: the output decodes, has the target's size and length, and the face's pixels changed."""

    output: Path
    engine: str
    version: str
    provider: str | None
    faces_swapped: int
    frames: int
    """1 for a photo."""
    has_audio: bool
    notes: Sequence[str]


OnProgress = Callable[[float, str], None]
"""Share 0…1 and one word for what is being done. From any thread."""
Cancelled = Callable[[], bool]


class SwapCancelled(Exception):  # noqa: N818 (a way out, not an error)
    """`cancelled` said so; no process and no file is left."""


class Swapper(Protocol):
    """A face-swap engine. Calls block: run them off the event loop."""

    @property
    def name(self) -> str: ...

    def capabilities(self) -> SwapCapabilities: ...

    def check(self, *, deep: bool = False) -> EngineReport:
        """Whether it is ready and why not. No network is used. `deep` swaps a small pair and looks at the pixels."""
        ...

    def run(self, job: SwapJob, on_progress: OnProgress, cancelled: Cancelled) -> SwapResult:
        """
        Raises:
            SwapEngineError and below: not ready, no face found, crashed, ran out of time or memory, wrote nothing or
                garbage, or left the face as it was.
            SwapCancelled: `cancelled()` was true.
        """
        ...


class FrameSwapper(Protocol):
    """What a built-in engine does with one picture; live swaps and videos call it frame by frame."""

    def prepare(self, source: Image) -> object:
        """What is needed of the source face; pass it to `swap`.

        Raises:
            FaceNotFoundError: there is none.
        """
        ...

    def swap(self, source: object, frame: Image, faces: SwapFaces) -> tuple[Image, Sequence[Box]]:
        """The frame with its faces replaced, and where: [H, W, 3] uint8 RGB; no box: no face was found."""
        ...
