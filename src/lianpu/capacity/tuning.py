"""Which runtime is the fastest for which network: each is fed what its engine feeds it, by all that may run it."""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lianpu.capacity.rate import rate_of, warm_up
from lianpu.engines.face.analyzer import AnalyzerOptions, load_analyzer
from lianpu.engines.image import decode_image
from lianpu.engines.restore.shelf import EngineShelf, LoadedRestorer
from lianpu.errors import PackDamagedError, PackError
from lianpu.packs.folder import folder_name
from lianpu.packs.manifest import Family
from lianpu.packs.registry import PackRegistry, PackState
from lianpu.runtime.measured import MeasuredRuntimes, NetworkRuntime, NetworkSpeeds, network_digest
from lianpu.runtime.session import Session, SessionFactory, TensorSpec
from lianpu.runtime.sessions import Sessions

LEAST_GAIN = 1.05
"""So many times as fast as the rule's own another one has to be: less is within what a measurement errs by."""
_TUNED = frozenset({Family.FACE, Family.RESTORE, Family.UPSCALE})
_FAITHFUL = 0.5

Feeds = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class TuningLengths:
    seconds: float
    """Of each runtime in each round, by one caller and by several."""
    rounds: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network whose runtime may be chosen, and what it is fed in earnest."""

    model: Path
    feeds: Feeds


class FeedRecorder:
    """Opens sessions as the factory behind it does, and keeps what networks that may be rounded are fed."""

    def __init__(self, sessions: SessionFactory) -> None:
        self._sessions = sessions
        self.feeds: dict[Path, Feeds] = {}
        """The largest of each file: what engines try a network with is small."""

    def open(self, model: Path, *, may_round: bool = False) -> Session:
        session = self._sessions.open(model, may_round=may_round)
        return _RecordedSession(session, model, self) if may_round else session

    def keep(self, model: Path, feeds: Feeds) -> None:
        if model not in self.feeds or _size(feeds) > _size(self.feeds[model]):
            self.feeds[model] = {name: value.copy() for name, value in feeds.items()}


class _RecordedSession:
    def __init__(self, session: Session, model: Path, recorder: FeedRecorder) -> None:
        self._session = session
        self._model = model
        self._recorder = recorder

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._session.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._session.outputs

    @property
    def provider(self) -> str:
        return self._session.provider

    def run(self, feeds: Feeds) -> list[NDArray[np.float32]]:
        self._recorder.keep(self._model, feeds)
        return self._session.run(feeds)


class Tuning:
    """Of the packs at hand; blocks."""

    def __init__(
        self,
        registry: PackRegistry,
        sessions: Sessions,
        options: AnalyzerOptions,
        photo: bytes,
        *,
        callers: int,
        lengths: TuningLengths,
    ) -> None:
        """
        Args:
            callers: inferences that the server runs at once.
        """
        self._registry = registry
        self._sessions = sessions
        self._options = options
        self._pixels = decode_image(photo).pixels
        self._callers = callers
        self._lengths = lengths

    def packs(self) -> list[str]:
        """`name@version` of those whose networks may be run by several runtimes; none where there is one alone."""
        if self._sessions.circumstances is None:
            return []
        usable = {PackState.READY, PackState.INSTALLED}
        return [
            folder_name(status.name, status.version)
            for status in self._registry.list()
            # One that is not translated yet cannot say its family: all of those have networks to tune.
            if status.state in usable and (status.manifest is None or status.manifest.family in _TUNED)
        ]

    def of_pack(self, label: str) -> dict[str, NetworkSpeeds]:
        """By the digests of the pack's networks. Empty where it has none that an engine can be tried with."""
        try:
            candidates, callers = self._candidates(label)
        except PackError:
            # A recogniser without a detector, or an engine that is not installed: `models list` says what it lacks.
            return {}
        return {
            network_digest(candidate.model): speeds_of(self._sessions, candidate, callers, self._lengths)
            for candidate in candidates
        }

    def _candidates(self, label: str) -> tuple[list[Candidate], int]:
        """And by how many at once they are run."""
        recorder = FeedRecorder(self._sessions)
        pack = self._registry.get(label)
        is_of_faces = pack.manifest.family is Family.FACE
        if is_of_faces:
            analyzer = load_analyzer(pack, recorder, self._options)
            analyzer.embed(self._pixels, analyzer.detect(self._pixels))
        else:
            self._enhance(EngineShelf(self._registry, recorder), pack.name)
        candidates = [Candidate(model, feeds) for model, feeds in recorder.feeds.items()]
        # Photos are enhanced one after another.
        return candidates, self._callers if is_of_faces else 1

    def _enhance(self, shelf: EngineShelf, name: str) -> None:
        loaded = shelf.get(name)
        if isinstance(loaded, LoadedRestorer):
            loaded.restorer.restore(self._square(loaded.restorer.side_px), _FAITHFUL)
            return
        for scale in loaded.upscaler.scales:
            loaded.upscaler.enlarge(self._square(loaded.upscaler.tile_px), scale)

    def _square(self, side: int) -> NDArray[np.uint8]:
        """The photo's middle, repeated at its edges where it is smaller."""
        height, width = self._pixels.shape[:2]
        rows, columns = (np.clip(np.arange(side) + (length - side) // 2, 0, length - 1) for length in (height, width))
        return np.ascontiguousarray(self._pixels[np.ix_(rows, columns)])


def speeds_of(sessions: Sessions, candidate: Candidate, callers: int, lengths: TuningLengths) -> NetworkSpeeds:
    """Runs a second of a network by each that may run it, interleaved; one that cannot load it is left out.

    Raises:
        PackDamagedError: none can.
    """
    runs = dict(_opened(sessions, candidate))
    if not runs:
        raise PackDamagedError(f"{candidate.model.name} cannot be loaded by any runtime")
    together = sorted({1, callers})
    for run in runs.values():
        warm_up(run, callers)
    found: dict[NetworkRuntime, list[float]] = {runtime: [] for runtime in runs}
    for _ in range(lengths.rounds):
        for runtime, run in runs.items():
            rates = [rate_of(run, at_once, lengths.seconds).per_s for at_once in together]
            # Geometric: a lone caller is slow and many are fast, and both count alike.
            found[runtime].append(math.prod(rates) ** (1 / len(rates)))
    runs_per_s = {runtime: statistics.median(rates) for runtime, rates in found.items()}
    return NetworkSpeeds(candidate.model.name, fastest_of(runs_per_s, sessions.contenders), runs_per_s)


def fastest_of(runs_per_s: Mapping[NetworkRuntime, float], contenders: Sequence[NetworkRuntime]) -> NetworkRuntime:
    """The rule's own, which is the first of the contenders, unless another one is clearly faster."""
    best = max(runs_per_s, key=lambda runtime: runs_per_s[runtime])
    ruled = contenders[0]
    is_clear = ruled not in runs_per_s or runs_per_s[best] >= LEAST_GAIN * runs_per_s[ruled]
    return best if is_clear else ruled


def merged(sessions: Sessions, networks: Mapping[str, NetworkSpeeds]) -> MeasuredRuntimes | None:
    """What was measured now beside what still holds of before; None: there is nothing to choose from."""
    circumstances = sessions.circumstances
    if circumstances is None:
        return None
    now = datetime.now(UTC)
    before = sessions.measured
    if before is None:
        return MeasuredRuntimes(now, circumstances, networks)
    return replace(before, measured_at=now, networks={**before.networks, **networks})


def _opened(sessions: Sessions, candidate: Candidate) -> Iterator[tuple[NetworkRuntime, Callable[[], object]]]:
    for runtime in sessions.contenders:
        try:
            session = sessions.open_by(runtime, candidate.model)
        except PackDamagedError:
            continue
        yield runtime, lambda session=session: session.run(candidate.feeds)


def _size(feeds: Feeds) -> int:
    return sum(value.size for value in feeds.values())
