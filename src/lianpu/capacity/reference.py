"""The same photo through `insightface.app.FaceAnalysis` with the pack's own weights, where that is installed."""

import importlib.util
import shutil
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np

from lianpu.capacity.rate import rate_of, warm_up
from lianpu.capacity.report import NoReference
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.image import decode_image
from lianpu.packs.manifest import Pack

_PACKAGE = "insightface"
# The engines whose networks FaceAnalysis runs, too.
_DETECTOR, _EMBEDDER = "scrfd", "arcface"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Images a second, decoded already, found and embedded."""

    ours_per_s: float
    theirs_per_s: float
    measured_s: float
    version: str
    """Of insightface."""

    @property
    def ratio(self) -> float:
        return self.ours_per_s / self.theirs_per_s


def why_none(pack: Pack) -> NoReference | None:
    """Why there is nothing to compare with; None: there is."""
    if importlib.util.find_spec(_PACKAGE) is None:
        return NoReference.NOT_INSTALLED
    roles = pack.manifest.roles
    engines = [None if role is None else role.engine for role in (roles.detector, roles.embedder)]
    if engines != [_DETECTOR, _EMBEDDER]:
        return NoReference.OTHER_NETWORKS
    return None


def compare(
    pack: Pack,
    analyzer: FaceAnalyzer,
    photo: bytes,
    folder: Path,
    *,
    input_size: int,
    providers: list[str],
    callers: int,
    seconds: float,
    rounds: int,
) -> Comparison:
    """Medians of interleaved rounds, so that what else the machine does falls on both alike.

    Args:
        pack: for which `why_none` gives no reason.
        folder: an empty one, for copies of its networks.
        input_size: side of the detector's input in pixels.
        providers: of ONNX Runtime, best first, by its own names.
        callers: requests in flight.
    """
    pixels = decode_image(photo).pixels
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    analysis = _face_analysis(pack, folder, input_size, providers)
    calls: dict[str, Callable[[], object]] = {
        "ours": lambda: analyzer.embed(pixels, analyzer.detect(pixels)),
        "theirs": lambda: analysis.get(bgr),
    }
    for call in calls.values():
        warm_up(call, callers)
    rates: dict[str, list[float]] = {who: [] for who in calls}
    measured_s = 0.0
    for _ in range(rounds):
        for who, call in calls.items():
            rate = rate_of(call, callers, seconds)
            rates[who].append(rate.per_s)
            measured_s += rate.measured_s
    ours, theirs = (statistics.median(rates[who]) for who in calls)
    return Comparison(ours, theirs, measured_s, version(_PACKAGE))


def _face_analysis(pack: Pack, folder: Path, input_size: int, providers: list[str]) -> Any:
    roles = pack.manifest.roles
    assert roles.detector is not None
    assert roles.embedder is not None
    shutil.copyfile(pack.path_of(roles.detector.file), folder / "det.onnx")
    shutil.copyfile(pack.path_of(roles.embedder.file), folder / "rec.onnx")
    application = cast(Any, importlib.import_module("insightface.app"))
    analysis = application.FaceAnalysis(str(folder), providers=providers)
    analysis.prepare(ctx_id=-1 if providers == ["CPUExecutionProvider"] else 0, det_size=(input_size, input_size))
    return analysis
