"""Passive liveness: does one photo show a live face, or a print, a screen or a mask of one?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.engine import LivenessEngine, ProviderRecorder, find_engine, naming
from lianpu.engines.face.face import Box, FaceLiveness, Image
from lianpu.engines.face.letterbox import to_planes
from lianpu.errors import PackInvalidError
from lianpu.packs.manifest import Pack, PackManifest
from lianpu.runtime.session import Session, SessionFactory

_LIVE_CLASS = 1
_CLASSES = 3


class MiniFasNet:
    """MiniFASNet networks (Silent-Face-Anti-Spoofing, https://github.com/minivision-ai/Silent-Face-Anti-Spoofing).

    Each network sees the face at a scale of its own, as [n, 3, s, s] BGR, 0…255 and not divided; the softmax of its
    three classes is averaged over the networks, and class 1 is a live face. Implements `FaceLiveness`.
    """

    def __init__(self, networks: Sequence[tuple[Session, float]]) -> None:
        """Wrap loaded networks, each with its scale: the crop's side in sides of the box.

        Raises:
            PackInvalidError: a network's input is not [n, 3, s, s] of a fixed s, or its output not [n, 3].
        """
        for session, _ in networks:
            spec, output = session.inputs[0], session.outputs[0]
            if len(spec.shape) != 4 or spec.shape[1] not in {3, None} or spec.shape[2] is None:
                raise PackInvalidError(f"A MiniFASNet's input is [n, 3, s, s]; this network's is {spec.shape}")
            if len(output.shape) != 2 or output.shape[1] not in {_CLASSES, None}:
                raise PackInvalidError(f"A MiniFASNet's output is [n, 3]; this network's is {output.shape}")
        self._networks = tuple(networks)

    def scores(self, image: Image, boxes: Sequence[Box]) -> NDArray[np.float32]:
        """How surely each face is live: [len(boxes)] float32, 0…1."""
        if not boxes:
            return np.empty(0, np.float32)
        every = [
            _live(session, [_crop(image, box, scale, session) for box in boxes]) for session, scale in self._networks
        ]
        return cast(NDArray[np.float32], np.mean(every, axis=0, dtype=np.float32))


@dataclass(frozen=True, slots=True)
class LivenessAnalyzer:
    """The loaded liveness role of a pack; safe to call from several threads."""

    manifest: PackManifest
    threshold: float
    """The pack's recommended least score of a live face."""
    providers: tuple[str, ...]
    """Execution providers that run the networks, each once."""
    network: FaceLiveness

    @property
    def pack_name(self) -> str:
        return self.manifest.name

    @property
    def pack_version(self) -> str:
        return self.manifest.version


def load_liveness(pack: Pack, sessions: SessionFactory) -> LivenessAnalyzer:
    """Load a pack's liveness networks by the engine that its manifest names.

    Raises:
        PackInvalidError: the pack has no such role, or the engine serves another or refuses a network.
        PackIncompleteError: the engine is not installed.
        PackDamagedError: a file cannot be loaded.
    """
    role = pack.manifest.roles.liveness
    if role is None:
        raise PackInvalidError(f"Pack '{pack.name}' has no liveness role: it cannot tell live faces from pictures")
    with naming(role, pack):
        engine = find_engine(role.engine)
        if not isinstance(engine, LivenessEngine):
            raise PackInvalidError("that engine does not judge liveness")
        recorder = ProviderRecorder(sessions)
        network = engine.build(role, pack, recorder)
    return LivenessAnalyzer(pack.manifest, role.threshold, tuple(recorder.providers), network)


def crop_bounds(width_px: int, height_px: int, box: Box, scale: float) -> tuple[int, int, int, int]:
    """The crop around a box, as the networks were trained: first and last column and row, (x1, y1, x2, y2) inclusive.

    The box grows by `scale` about its centre, by less where the image is smaller, and is then shifted inside.
    """
    scale = min(scale, (height_px - 1) / box.height, (width_px - 1) / box.width)
    x1, x2 = _inside((box.x1 + box.x2) / 2, box.width * scale, width_px - 1)
    y1, y2 = _inside((box.y1 + box.y2) / 2, box.height * scale, height_px - 1)
    return x1, y1, x2, y2


def _inside(centre: float, length: float, last: int) -> tuple[int, int]:
    start, end = centre - length / 2, centre + length / 2
    if start < 0:
        start, end = 0.0, end - start
    if end > last:
        start, end = start - (end - last), float(last)
    # Rounding may leave a start of -1e-14, and never more: the length was made to fit.
    return max(0, int(start)), int(end)


def _crop(image: Image, box: Box, scale: float, session: Session) -> Image:
    # A detector's box that is thinner than a pixel would have no scale to fit.
    box = Box(box.x1, box.y1, max(box.x2, box.x1 + 1), max(box.y2, box.y1 + 1))
    x1, y1, x2, y2 = crop_bounds(image.shape[1], image.shape[0], box, scale)
    height, width = session.inputs[0].shape[2:]
    assert height is not None
    return cast(Image, cv2.resize(image[y1 : y2 + 1, x1 : x2 + 1], (width or height, height)))


def _live(session: Session, crops: Sequence[Image]) -> NDArray[np.float32]:
    planes = to_planes(crops, 0, 1, "bgr")
    step = session.inputs[0].shape[0] or len(planes)
    parts: list[NDArray[np.float32]] = []
    for start in range(0, len(planes), step):
        part = planes[start : start + step]
        missing = step - len(part)
        filled = np.concatenate([part, np.zeros((missing, *part.shape[1:]), np.float32)]) if missing else part
        parts.append(session.run({session.inputs[0].name: filled})[0][: len(part)])
    logits = np.concatenate(parts)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers[:, _LIVE_CLASS] / powers.sum(axis=1)
