"""An external engine as a `Swapper`: run in files and a process group of its own, and believed only by its pixels."""

import re
import shutil
import threading
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from lianpu.engines.face.face import DetectedFace
from lianpu.engines.image import decode_image, encode_png
from lianpu.engines.swap.choosing import choose_faces, find_faces, finder
from lianpu.engines.swap.engine import SwapContext
from lianpu.engines.swap.example import example_pair
from lianpu.engines.swap.external.examination import Examination, engine_environment, examine
from lianpu.engines.swap.external.process import Ending, Limits, Outcome, run_program
from lianpu.engines.swap.external.program import Program, ProgramRun, complaint_of, spoken_complaint
from lianpu.engines.swap.inspection import Inspection, inspect
from lianpu.engines.swap.integrations import ExternalIntegration
from lianpu.engines.swap.readiness import ready_or_raise, using_packs
from lianpu.engines.swap.swapper import (
    Cancelled,
    EngineReport,
    Finding,
    OnProgress,
    Readiness,
    SwapCancelled,
    SwapCapabilities,
    SwapFaces,
    SwapJob,
    SwapKind,
    SwapResult,
)
from lianpu.engines.swap.video import pictures
from lianpu.errors import (
    IntegrationsInvalidError,
    LianpuError,
    SwapDiskFullError,
    SwapEngineError,
    SwapEngineNotReadyError,
    SwapFaceNotFoundError,
    SwapNoOutputError,
    SwapOutOfMemoryError,
    SwapTimedOutError,
    SwapUnchangedError,
    SwapUnsupportedError,
)
from lianpu.runtime.providers import Provider

_PERCENT = re.compile(r"(?<!\d)(\d{1,3})%\|")
_CHECK_LIFETIME_S = 300.0
_STARTING, _CHECKING = 0.05, 0.95
_DEEP_TIME_S = 600.0
# Of a video, so many pictures are looked at for the first face.
_FIRST_PICTURES = 300


class ExternalSwapper:
    """Implements `Swapper`."""

    def __init__(self, name: str, program: Program, context: SwapContext) -> None:
        self._name = name
        self._program = program
        self._context = context
        self._lock = threading.Lock()
        self._known: tuple[ExternalIntegration, float, Examination] | None = None

    @property
    def name(self) -> str:
        return self._name

    def capabilities(self) -> SwapCapabilities:
        facts = self._program.facts
        return SwapCapabilities(
            kinds=frozenset({SwapKind.IMAGE, SwapKind.VIDEO}),
            providers=tuple(facts.provider_names),
            needs_weights=True,
            is_external=True,
            licence=facts.licence,
            commercial=False,
            many_faces=True,
        )

    def check(self, *, deep: bool = False) -> EngineReport:
        try:
            integration = self._context.integrations().of(self._name)
        except IntegrationsInvalidError as error:
            return self._without(Readiness.BROKEN, Finding("integrations", False, error.detail))
        if integration is None:
            advice = f'Say where it is: [{self._name}] folder = "…" in integrations.toml (docs/engines.md).'
            return self._without(Readiness.NOT_INSTALLED, Finding("integrations", False, "it is not set up", advice))
        examination = self._examined(integration, deep=deep, anew=True)
        report = examination.report
        if deep and report.readiness in {Readiness.READY, Readiness.DEGRADED}:
            return self._tried(report)
        return report

    def run(self, job: SwapJob, on_progress: OnProgress, cancelled: Cancelled) -> SwapResult:
        if job.kind not in self.capabilities().kinds:
            raise SwapUnsupportedError(f"{self._program.facts.title} makes no file of the kind '{job.kind}'.")
        integration = self._context.integrations().of(self._name)
        if integration is None:
            ready_or_raise(self.check())
            raise SwapEngineNotReadyError(f"The engine '{self._name}' is not set up.")
        on_progress(0.0, "detecting")
        # Told from here, "no face" needs no trust in the program's words.
        self._require_faces(job)
        examination = self._examined(integration, deep=False, anew=False)
        ready_or_raise(examination.report)
        if cancelled():
            raise SwapCancelled
        try:
            return self._run(job, integration, examination, on_progress, cancelled)
        except SwapEngineError:
            # What was known may have changed: the next run looks anew.
            self._known = None
            raise

    def _run(
        self,
        job: SwapJob,
        integration: ExternalIntegration,
        examination: Examination,
        on_progress: OnProgress,
        cancelled: Cancelled,
    ) -> SwapResult:
        with _run_folder(job.work_folder) as folder:
            run = _laid_out(job, folder, examination.providers)
            flags = examination.flags
            assert flags is not None, "an engine that is ready has been asked for its options"
            arguments = self._program.arguments(run, flags, integration)
            outcome = run_program(
                [str(integration.interpreter), self._program.facts.script, *arguments, *integration.extra_flags],
                folder=integration.folder,
                environment=engine_environment(integration, run.work_folder),
                limits=Limits(_time_limit_s(job, integration), _memory_limit(job, integration)),
                cancelled=cancelled,
                on_line=lambda line: _tell(line, on_progress),
            )
            self._ended_well(outcome, integration, job)
            on_progress(_CHECKING, "checking")
            found = self._inspected(job, run, outcome)
            _moved(run.output, job.output)
        on_progress(1.0, "done")
        report = examination.report
        degraded = [finding.detail for finding in report.findings if not finding.is_ok]
        return SwapResult(
            output=job.output,
            engine=self._name,
            version=report.version or "unknown",
            provider=report.provider,
            faces_swapped=found.faces,
            frames=found.frames,
            has_audio=found.has_audio,
            notes=(*found.notes, *degraded),
        )

    def _ended_well(self, outcome: Outcome, integration: ExternalIntegration, job: SwapJob) -> None:
        title = self._program.facts.title
        if outcome.ending is Ending.CANCELLED:
            raise SwapCancelled
        if outcome.ending is Ending.TIMED_OUT:
            raise SwapTimedOutError(
                f"{title} did not end within {_time_limit_s(job, integration):g} s, and was ended.{_last(outcome)}"
            )
        if outcome.ending is Ending.OUT_OF_MEMORY:
            raise SwapOutOfMemoryError(
                f"{title} held {outcome.peak_bytes} bytes, more than the {_memory_limit(job, integration)} it may take."
            )
        if outcome.ending is Ending.NOT_STARTED:
            raise SwapEngineNotReadyError(f"{title} cannot be started: {outcome.log}")
        if outcome.exit_code != 0:
            raise complaint_of(self._program, outcome)

    def _inspected(self, job: SwapJob, run: ProgramRun, outcome: Outcome) -> Inspection:
        """What the files show; where they show nothing, what the program said of it tells why."""
        find = finder(self._context.analyzer(None), job)
        try:
            return inspect(job.kind, job.target, run.output, find)
        except (SwapNoOutputError, SwapUnchangedError) as error:
            spoken = self._program.complaint(outcome) or spoken_complaint(self._program.facts.title, outcome.log)
            raise spoken or type(error)(f"{error.detail}{_last(outcome)}") from error

    def _require_faces(self, job: SwapJob) -> None:
        with using_packs(self._name):
            analyzer = self._context.analyzer(None)
            if not find_faces(analyzer, decode_image(job.source.read_bytes()).pixels):
                raise SwapFaceNotFoundError("No face was found in the source.")
            found: list[DetectedFace] = []
            if job.kind is SwapKind.IMAGE:
                found = find_faces(analyzer, decode_image(job.target.read_bytes()).pixels)
            else:
                for picture in pictures(job.target):
                    found = find_faces(analyzer, picture.pixels)
                    if found or picture.number >= _FIRST_PICTURES:
                        break
        wanted = choose_faces(found, job.faces)
        if not wanted:
            raise SwapFaceNotFoundError("No such face was found in the target.")
        self._require_choosable(found, wanted, job.faces)

    def _require_choosable(self, found: list[DetectedFace], wanted: list[DetectedFace], faces: SwapFaces) -> None:
        if faces.all_faces or len(found) == 1:
            return
        by_itself = found[0] if self._program.facts.largest_is_default else min(found, key=lambda face: face.box.x1)
        if wanted[0] is not by_itself:
            which = "the largest" if self._program.facts.largest_is_default else "the leftmost"
            raise SwapUnsupportedError(
                f"{self._program.facts.title} swaps {which} of several faces, or all of them, and no other one: swap "
                "all faces, or use a built-in engine."
            )

    def _examined(self, integration: ExternalIntegration, *, deep: bool, anew: bool) -> Examination:
        with self._lock:
            known = self._known
            is_fresh = known is not None and time.monotonic() - known[1] < _CHECK_LIFETIME_S
            if not anew and known is not None and known[0] == integration and is_fresh:
                return known[2]
            examination = examine(self._name, self._program, integration, deep=deep)
            self._known = (integration, time.monotonic(), examination)
            return examination

    def _tried(self, report: EngineReport) -> EngineReport:
        """The report of a deep check: a pair is really swapped."""
        photos = self._context.integrations().example
        with TemporaryDirectory(prefix="lianpu-check-") as name:
            folder = Path(name)
            if photos is None:
                pair = example_pair()
                source, target = folder / "source.png", folder / "target.png"
                source.write_bytes(encode_png(pair[0]))
                target.write_bytes(encode_png(pair[1]))
            else:
                source, target = photos.source, photos.target
            job = SwapJob(
                SwapKind.IMAGE, source, target, folder / f"output{target.suffix}", folder, time_limit_s=_DEEP_TIME_S
            )
            try:
                self.run(job, lambda _share, _word: None, lambda: False)
                finding = Finding("example", True, "an example pair was swapped, and its pixels changed")
            except (LianpuError, OSError) as error:
                detail = error.detail if isinstance(error, LianpuError) else f"{error}"
                advice = "Name two photos as [example] in integrations.toml, if it does not take drawn faces."
                finding = Finding("example", False, detail, None if photos else advice)
        readiness = report.readiness if finding.is_ok else Readiness.BROKEN
        return replace(report, readiness=readiness, findings=(*report.findings, finding))

    def _without(self, readiness: Readiness, finding: Finding) -> EngineReport:
        return EngineReport(self._name, readiness, None, None, [finding])


@contextmanager
def _run_folder(work_folder: Path) -> Generator[Path]:
    folder = work_folder / f"engine-{uuid.uuid4().hex}"
    try:
        folder.mkdir(mode=0o700, parents=True)
        (folder / "work").mkdir()
        yield folder
    except OSError as error:
        raise SwapDiskFullError(f"{work_folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _laid_out(job: SwapJob, folder: Path, providers: tuple[Provider, ...]) -> ProgramRun:
    """Copies under names that say nothing: programs key their temporary files by them, and write beside the target."""
    unique = uuid.uuid4().hex[:12]
    source = folder / f"source-{unique}{job.source.suffix.lower()}"
    target = folder / f"target-{unique}{job.target.suffix.lower()}"
    shutil.copyfile(job.source, source)
    shutil.copyfile(job.target, target)
    return ProgramRun(
        kind=job.kind,
        source=source,
        target=target,
        output=folder / f"output-{unique}{job.target.suffix.lower()}",
        work_folder=folder / "work",
        all_faces=job.faces.all_faces,
        providers=providers,
    )


def _moved(made: Path, output: Path) -> None:
    try:
        shutil.move(made, output)
    except OSError as error:
        output.unlink(missing_ok=True)
        raise SwapDiskFullError(f"{output.name} cannot be written: {error.strerror or error}.") from error


def _time_limit_s(job: SwapJob, integration: ExternalIntegration) -> float:
    return min(job.time_limit_s, integration.time_limit_s or job.time_limit_s)


def _memory_limit(job: SwapJob, integration: ExternalIntegration) -> int | None:
    limits = [limit for limit in (job.memory_limit_bytes, integration.memory_limit_bytes) if limit is not None]
    return min(limits, default=None)


def _tell(line: str, on_progress: OnProgress) -> None:
    found = _PERCENT.search(line)
    if found is not None:
        share = min(100, int(found[1])) / 100
        on_progress(_STARTING + share * (_CHECKING - _STARTING), "swapping")


def _last(outcome: Outcome) -> str:
    lines = outcome.log.splitlines()[-1:]
    return f" Its last words: {lines[0].strip()[:300]}" if lines else ""
