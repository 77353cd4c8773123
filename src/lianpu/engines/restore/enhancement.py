"""What the enhancement of one photo is asked for, says about itself, and gives back; the protocol of what does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lianpu.engines.face.face import Box, Image

SCALES = {1: 1, 2: 2, 3: 4, 4: 8}
"""Enhancement level 1…4 → how many times the width and height."""


class OutputFormat(StrEnum):
    SAME = "same"
    """As it came in."""
    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"


class Stage(StrEnum):
    """What is being done to a photo, in this order."""

    DECODING = "decoding"
    DETECTING = "detecting"
    UPSCALING = "upscaling"
    RESTORING = "restoring"
    MEASURING = "measuring"
    ENCODING = "encoding"


@dataclass(frozen=True, slots=True)
class EnhancementOptions:
    level: int = 2
    """1…4: a key of `SCALES`."""
    preserve_identity: bool = True
    """Blend each restored face back until it is still the same person by the recogniser's embedding."""
    output_format: OutputFormat = OutputFormat.SAME
    restorer: str | None = None
    """Name of an engine (see `PhotoEnhancer.engines`); None: the best that is at hand; `none`: faces as the rest."""
    upscaler: str | None = None
    """Likewise; None: chosen by the time that may be taken; `lanczos`: no network."""
    fidelity: float = 0.5
    """0…1 for restorers with such an input (CodeFormer): 1 keeps most of the original."""
    identity_threshold: float | None = None
    """Least cosine between the embeddings before and after; None: the default for such a photo."""
    keep_gps: bool = False
    time_budget_s: float | None = None
    """How long a photo may take; None: as long as the enhancer was set up with. Where no upscaler is named, the best
    that keeps it is taken; where none does, the photo around restored faces is interpolated, and one without such
    faces goes through the fastest. Faces that an upscaler restores are made smaller for it."""


class IdentityStatus(StrEnum):
    KEPT = "kept"
    """At or above the threshold."""
    LOST = "lost"
    """Below it; only without `preserve_identity`."""
    NOT_MEASURABLE = "not_measurable"
    """The face was too poor before for an embedding to mean anything, or the original's own pixels, merely enlarged,
    differ from it by more than the threshold allows."""


@dataclass(frozen=True, slots=True)
class Identity:
    status: IdentityStatus
    similarity: float | None
    """Cosine of the embeddings before and after, measured on the final pixels; None: not measurable."""
    threshold: float | None
    restored_share: float
    """Alpha 0…1: how much of the restored face is in the result; without a restorer, of what the upscaler made of it.
    0: the face was left as it was."""


@dataclass(frozen=True, slots=True)
class EnhancedFace:
    box: Box
    """In pixels of the upright original."""
    is_restored: bool
    reason: str | None
    """Why it was not restored, in one sentence; None where it was."""
    identity: Identity
    sharpness_before: float
    sharpness_after: float
    quality_before: float
    """`FaceQuality.overall`, 0…1."""
    quality_after: float


@dataclass(frozen=True, slots=True)
class Engines:
    """What ran, by name and version; None: nothing of the kind."""

    restorer: str | None
    upscaler: str | None
    recogniser: str | None
    """`pack@version` that measured the identity."""


@dataclass(frozen=True, slots=True)
class EnhancementReport:
    """What was done and what it brought; no picture and no vector is in it."""

    width_before: int
    height_before: int
    width_after: int
    height_after: int
    scale: int
    engines: Engines
    faces: Sequence[EnhancedFace]
    """Largest first; empty: no face was found and the photo was enhanced as a whole."""
    sharpness_before: float
    """Of the whole photo, at the size it came in, 0…1."""
    sharpness_after: float
    enhancement_ratio: float
    """`sharpness_after / sharpness_before`."""
    notes: Sequence[str]
    """What was done otherwise than one might expect, in plain sentences."""
    seconds: float


@dataclass(frozen=True, slots=True)
class EnhancementPlan:
    """What an enhancement would do, known from the header of the file alone."""

    width_after: int
    height_after: int
    engines: Engines
    estimated_s: float
    """On this machine, measured once; faces are not counted yet, one is assumed."""
    peak_bytes: int
    """Memory that it takes at most beside the loaded networks."""


@dataclass(frozen=True, slots=True)
class EnhancedPhoto:
    data: bytearray
    """The encoded file; the caller overwrites it when it is no longer needed."""
    media_type: str
    suffix: str
    """With the dot: `.jpg`."""
    report: EnhancementReport


class EnhancementCancelled(Exception):  # noqa: N818 (a way out, not an error)
    """`cancelled` said so; nothing is left."""


OnStage = Callable[[Stage, float], None]
"""Told of each stage and how much of the whole is done, 0…1. Called on the worker's thread."""


@dataclass(frozen=True, slots=True)
class EnhancementEngine:
    """One that can be asked for."""

    name: str
    kind: str
    """`restorer` or `upscaler`."""
    pack: str | None
    """None: needs no weights."""
    licence: str
    commercial: bool
    has_fidelity: bool
    seconds_per_megapixel: float | None
    """Of output (upscalers) or per face (restorers) on this machine; None: not measured yet."""


class PhotoEnhancer(Protocol):
    """Enhances photos in memory: nothing is written to disk. Calls block: run them on an inference worker."""

    def engines(self) -> Sequence[EnhancementEngine]:
        """Those at hand, the one that is taken by default first of its kind."""
        ...

    def plan(self, data: bytes | bytearray | memoryview, options: EnhancementOptions) -> EnhancementPlan:
        """Look at the header alone; nothing is decoded.

        Raises:
            ImageEmptyError, ImageFormatError, ImageTooLargeError, ImageDamagedError: as `lianpu.engines.image`.
            FieldsInvalidError: an option is outside of its range.
            EnhancementTooLargeError: the result would have more pixels than allowed; says the greatest level.
            EnhancementEngineNotFoundError: no such engine is at hand; says which are.
        """
        ...

    def enhance(
        self,
        data: bytes | bytearray | memoryview,
        options: EnhancementOptions,
        on_stage: OnStage,
        cancelled: Callable[[], bool],
        finish: Callable[[Image], Image] | None = None,
    ) -> EnhancedPhoto:
        """
        Args:
            finish: what is to be done to the pixels, [H, W, 3] uint8 RGB, before they are encoded; called where a
                network has added detail.

        Raises:
            what `plan` raises.
            ImageDamagedError: it cannot be decoded.
            EnhancementCancelled: `cancelled()` was true between two steps.
        """
        ...
