"""What there is to know of one external engine: its command line, its models, its exit codes and their traps."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lianpu.engines.swap.external.flags import MappedFlags, Option
from lianpu.engines.swap.external.models import ModelFile
from lianpu.engines.swap.external.process import Outcome
from lianpu.engines.swap.integrations import ExternalIntegration
from lianpu.engines.swap.swapper import SwapKind
from lianpu.errors import (
    SwapCrashedError,
    SwapDiskFullError,
    SwapEngineError,
    SwapEngineNotReadyError,
    SwapFaceNotFoundError,
    SwapOutOfMemoryError,
)
from lianpu.runtime.providers import Provider


@dataclass(frozen=True, slots=True)
class Facts:
    title: str
    script: str
    """Below the checkout."""
    help_arguments: tuple[str, ...]
    python_from: tuple[int, int]
    python_to: tuple[int, int]
    """The first that it does not run on."""
    programs: tuple[str, ...]
    """That must be on its PATH."""
    licence: str
    options: Mapping[str, Option]
    provider_names: Mapping[Provider, str]
    """Ours to its own."""
    models_folder: str
    """Below the checkout."""
    largest_is_default: bool
    """Of several faces it swaps the largest one, unless told to swap all; else the leftmost."""


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """One run, in files of its own."""

    kind: SwapKind
    source: Path
    target: Path
    output: Path
    work_folder: Path
    all_faces: bool
    providers: tuple[Provider, ...]


class Program(Protocol):
    @property
    def facts(self) -> Facts: ...

    def version(self, folder: Path) -> str | None:
        """As its own files say; None: they do not."""
        ...

    def models(self, integration: ExternalIntegration) -> Sequence[ModelFile]: ...

    def arguments(self, run: ProgramRun, flags: MappedFlags, integration: ExternalIntegration) -> list[str]:
        """What follows the script's name."""
        ...

    def complaint(self, outcome: Outcome) -> SwapEngineError | None:
        """What its words mean, where they are its own; None: they say nothing known."""
        ...


_SAYS: Sequence[tuple[re.Pattern[str], type[SwapEngineError], str]] = (
    (
        re.compile(r"no space left on device|errno 28|disk quota exceeded|file too large", re.IGNORECASE),
        SwapDiskFullError,
        "there was no room for its files",
    ),
    (
        re.compile(
            r"memoryerror|out of memory|bad_?alloc|cannot allocate memory|failed to allocate memory", re.IGNORECASE
        ),
        SwapOutOfMemoryError,
        "it had no more memory to take",
    ),
    (
        re.compile(
            r"no (?:source )?faces? (?:was |were )?(?:detected|found|in (?:the )?(?:source|target))", re.IGNORECASE
        ),
        SwapFaceNotFoundError,
        "it found no face",
    ),
    (
        re.compile(
            r"invalid protobuf|no_suchfile|validating (?:hash|source) for \S+ failed|is missing or corrupt"
            r"|protobuf parsing failed|load model .* failed|model .* not found",
            re.IGNORECASE,
        ),
        SwapEngineNotReadyError,
        "a model is missing or damaged",
    ),
)


def spoken_complaint(title: str, log: str) -> SwapEngineError | None:
    """What programs of any kind say when they fail, the last words first."""
    for line in reversed(log.splitlines()):
        for pattern, error, meaning in _SAYS:
            if pattern.search(line):
                return error(f"{title}: {meaning}. It says: {line.strip()[:300]}")
    return None


def complaint_of(program: Program, outcome: Outcome) -> SwapEngineError:
    """Why a run that did not succeed did not."""
    title = program.facts.title
    own = program.complaint(outcome) or spoken_complaint(title, outcome.log)
    if own is not None:
        return own
    code = outcome.exit_code or 0
    last = (outcome.log.splitlines()[-1:] or ["it said nothing"])[0].strip()[:300]
    if code < 0:
        return SwapCrashedError(f"{title} was ended by signal {-code}. Its last words: {last}")
    if "Traceback (most recent call last)" in outcome.log:
        return SwapCrashedError(f"{title} crashed (status {code}). Its last words: {last}")
    return SwapEngineError(f"{title} failed (status {code}). Its last words: {last}")
