"""Whether faces are judged live, by which pack, and what a request may ask of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from threading import Lock

from lianpu.engines.face.face import DetectedFace, Image
from lianpu.engines.face.liveness import LivenessAnalyzer, load_liveness
from lianpu.errors import (
    LivenessFailedError,
    PackError,
    PackIncompleteError,
    PackInvalidError,
    PackNotFoundError,
    StorageError,
)
from lianpu.observability.stages import Stage, count_faces, stage
from lianpu.packs.folder import folder_name
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.session import SessionFactory
from lianpu.settings import LivenessMode

_STRICTNESS = (LivenessMode.OFF, LivenessMode.OBSERVE, LivenessMode.ENFORCE)


@dataclass(frozen=True, slots=True)
class Liveness:
    """How live one face is, and who says so."""

    score: float
    """0…1."""
    is_live: bool
    pack: str
    pack_version: str
    threshold: float

    def figures(self) -> dict[str, object]:
        """What the API shows and what is stored with an image."""
        return {**asdict(self), "score": round(self.score, 4)}


class LivenessCheck:
    """Judges faces by one pack, loaded at its first use. `judge` and `problem` block: call them off the event loop."""

    def __init__(
        self,
        registry: PackRegistry,
        sessions: SessionFactory,
        *,
        mode: LivenessMode,
        pack: str,
        threshold: float | None,
    ) -> None:
        """`threshold`: least score of a live face; None takes the pack's own."""
        self.mode = mode
        self.pack = pack
        self._threshold = threshold
        self._registry = registry
        self._sessions = sessions
        self._loaded: LivenessAnalyzer | None = None
        self._lock = Lock()

    def mode_for(self, requested: LivenessMode | None) -> LivenessMode:
        """The stricter of the server's mode and the request's."""
        return max(self.mode, requested or LivenessMode.OFF, key=_STRICTNESS.index)

    def judge(self, image: Image, faces: Sequence[DetectedFace], mode: LivenessMode) -> list[Liveness] | None:
        """One judgement a face, in their order; None where the mode is off.

        Args:
            image: [H, W, 3] uint8 RGB, upright.

        Raises:
            PackError: the mode is on and the pack cannot be used.
        """
        if mode is LivenessMode.OFF:
            return None
        analyzer = self._analyzer()
        threshold = analyzer.threshold if self._threshold is None else self._threshold
        label = folder_name(analyzer.pack_name, analyzer.pack_version)
        with stage(Stage.LIVENESS, label):
            scores = analyzer.network.scores(image, [face.box for face in faces])
        count_faces(Stage.LIVENESS, label, len(faces))
        return [
            Liveness(float(score), bool(score >= threshold), analyzer.pack_name, analyzer.pack_version, threshold)
            for score in scores
        ]

    def loaded(self) -> LivenessAnalyzer | None:
        return self._loaded

    def unload(self, key: tuple[str, str]) -> bool:
        """Forget the pack; it is loaded again when it is next needed. False: this one was not loaded."""
        with self._lock:
            if self._loaded is None or (self._loaded.pack_name, self._loaded.pack_version) != key:
                return False
            self._loaded = None
            return True

    def problem(self, requested: LivenessMode | None = None) -> str | None:
        """Why faces cannot be judged although the mode is on; loads the pack."""
        if self.mode_for(requested) is LivenessMode.OFF:
            return None
        try:
            self._analyzer()
        except (PackError, StorageError) as error:
            return error.detail
        return None

    def _analyzer(self) -> LivenessAnalyzer:
        with self._lock:
            if self._loaded is None:
                try:
                    self._loaded = load_liveness(self._registry.get(self.pack), self._sessions)
                except (PackNotFoundError, PackInvalidError) as error:
                    # 503, not 404 or 422: nothing is wrong with the call, the server lacks what it needs for it.
                    raise PackIncompleteError(
                        f"Liveness is on and its pack cannot judge: {error.detail.removesuffix('.')}. Install it, or "
                        "name another by liveness.pack.",
                        context=error.context,
                    ) from error
            return self._loaded


def refuse_not_live(judged: Sequence[Liveness] | None, mode: LivenessMode) -> None:
    """Under `enforce`, let live faces alone pass.

    Raises:
        LivenessFailedError: a face is not live; carries all judged ones.
    """
    failed = [item for item in judged or () if not item.is_live]
    if mode is LivenessMode.ENFORCE and failed:
        worst = min(failed, key=lambda item: item.score)
        raise LivenessFailedError(
            f"The face does not look live: score {worst.score:.2f}, and {worst.threshold:.2f} is needed. "
            "Photograph the person, not a picture or a screen.",
            context={"faces": [{"liveness": item.figures()} for item in judged or ()]},
        )
