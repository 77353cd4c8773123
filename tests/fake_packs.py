"""Packs without networks: each marks its vectors, so that a test sees at once where two packs' vectors meet.

A photo says in its first pixels who is on it. Every pack finds the one face at a place of its own, and embeds it as its
own mark and the person; all have the same dimension, so nothing but care keeps them apart.
"""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Box, DetectedFace, Image, Landmarks, LandmarkScheme
from lianpu.engines.image import encode_png
from lianpu.errors import PackNotFoundError
from lianpu.gallery import analyzers
from lianpu.packs.folder import split_name
from lianpu.packs.metric import Metric
from lianpu.packs.registry import PackRegistry

PackKey = tuple[str, str]
KEYS: tuple[PackKey, ...] = (("alpha", "1"), ("alpha", "2"), ("beta", "1"))
MARK = 10.0
DIMENSION = len(KEYS) + 6
UNSEEN = 200
"""Photos of this person show a face that `beta` does not find."""


def photo(person: int, variant: int = 0) -> bytes:
    """PNG, 96×96."""
    pixels = np.random.default_rng((person, variant)).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    pixels[0, 0] = (person, variant, 0)
    return encode_png(pixels)


def key_of_vector(vector: NDArray[np.float32]) -> PackKey:
    """The pack that made it, whether it was normalised since or not."""
    return KEYS[int(np.argmax(np.abs(vector[: len(KEYS)])))]


class _Detector:
    def __init__(self, key: PackKey) -> None:
        self._key = key

    def detect(self, image: Image) -> list[DetectedFace]:
        if self._key[0] == "beta" and image[0, 0, 0] == UNSEEN:
            return []
        shift = float(KEYS.index(self._key))
        points = np.array([[36, 40], [60, 40], [48, 54], [38, 66], [58, 66]], dtype=np.float32) + shift
        box = Box(20 + shift, 20 + shift, 76 + shift, 80 + shift)
        return [DetectedFace(box, 0.9, Landmarks(LandmarkScheme.ARCFACE5, points))]


class _Embedder:
    dimension = DIMENSION

    def __init__(self, key: PackKey) -> None:
        self._key = key

    def embed(self, image: Image, faces: Sequence[Landmarks]) -> NDArray[np.float32]:
        person, variant = int(image[0, 0, 0]), int(image[0, 0, 1])
        vector = np.zeros(DIMENSION, dtype=np.float32)
        vector[KEYS.index(self._key)] = MARK
        vector[len(KEYS) :] = np.random.default_rng(person).normal(size=DIMENSION - len(KEYS)) * MARK
        vector[len(KEYS) :] += np.random.default_rng((person, variant)).normal(size=DIMENSION - len(KEYS)) * 0.1
        return np.stack([vector] * len(faces))


def _analyzer(pack: Any, *_: object) -> FaceAnalyzer:
    key = (pack.name, pack.version)
    return FaceAnalyzer(
        manifest=pack,
        metric=Metric.COSINE,
        raw_threshold=0.9,
        scheme=LandmarkScheme.ARCFACE5,
        providers=("CPUExecutionProvider",),
        detector=_Detector(key),
        predictor=None,
        embedder=_Embedder(key),
    )


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the registry of every platform has these packs and no others."""

    def resolve(_: PackRegistry, named: str) -> PackKey:
        name, version = split_name(named)
        found = [key for key in KEYS if key[0] == name and version in {None, key[1]}]
        if not found:
            raise PackNotFoundError(f"No pack '{named}'.")
        return found[-1]

    def get(registry: PackRegistry, named: str) -> SimpleNamespace:
        name, version = resolve(registry, named)
        return SimpleNamespace(name=name, version=version, folder=Path())

    monkeypatch.setattr(PackRegistry, "resolve", resolve)
    monkeypatch.setattr(PackRegistry, "get", get)
    monkeypatch.setattr(PackRegistry, "list", lambda _: [])
    monkeypatch.setattr(analyzers, "load_analyzer", _analyzer)
