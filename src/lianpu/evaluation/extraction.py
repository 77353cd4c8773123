"""One embedding for each image of a data set and each pack, with all cores at work."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import DetectedFace, Image
from lianpu.engines.image import ImageLimits, decode_image
from lianpu.errors import EvaluationInvalidError, FaceNotFoundError, InvalidInputError, LianpuError
from lianpu.evaluation.datasets import DataSet, FaceChoice


@dataclass(frozen=True, slots=True)
class Extracted:
    """What one pack made of the images."""

    embeddings: NDArray[np.float32]
    """[images, dimension], as the network gives them; zeros where no face was found."""
    found: NDArray[np.bool_]
    """[images] whether the pack found a face."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """`packs`: in the order of the analyzers. `unreadable`: image -> why it could not be decoded."""

    packs: tuple[Extracted, ...]
    unreadable: dict[str, str]


def extract(
    data: DataSet,
    analyzers: Sequence[FaceAnalyzer],
    limits: ImageLimits,
    *,
    workers: int,
    advance: Callable[[], None] = lambda: None,
) -> Extraction:
    """Read, decode, detect and embed. An image is decoded once for all packs; `workers` images at once.

    Args:
        advance: called after each image, on any thread.

    Raises:
        EvaluationInvalidError: not one image can be read.
        PackError: a network did not run.
    """
    work = _Work(data, analyzers, limits, advance)
    # Images wait in memory: no more than the workers will want next.
    room = threading.Semaphore(2 * workers)
    failed: list[BaseException] = []

    def done(future: "Future[None]") -> None:
        error = future.exception()
        if error is not None:
            failed.append(error)
        room.release()

    with ThreadPoolExecutor(workers, thread_name_prefix="evaluation") as pool:
        for name, content in data.source.read(set(data.images)):
            room.acquire()
            if failed:
                break
            pool.submit(work.take, name, content).add_done_callback(done)
    if failed:
        raise failed[0]
    return work.extraction()


class _Work:
    """What the threads share: each writes the rows of its own images."""

    def __init__(
        self, data: DataSet, analyzers: Sequence[FaceAnalyzer], limits: ImageLimits, advance: Callable[[], None]
    ) -> None:
        self._choice = data.face_choice
        self._places = {name: place for place, name in enumerate(data.images)}
        self._analyzers = analyzers
        self._limits = limits
        self._advance = advance
        count = len(self._places)
        self._made = tuple(
            Extracted(np.zeros((count, analyzer.dimension), np.float32), np.zeros(count, np.bool_))
            for analyzer in analyzers
        )
        self._unreadable: dict[str, str] = {}

    def take(self, name: str, content: bytes | LianpuError) -> None:
        try:
            if isinstance(content, LianpuError):
                raise content
            pixels = decode_image(content, self._limits).pixels
        except InvalidInputError as error:
            self._unreadable[name] = error.detail
        else:
            for analyzer, extracted in zip(self._analyzers, self._made, strict=True):
                _embed(analyzer, pixels, self._choice, extracted, self._places[name])
        self._advance()

    def extraction(self) -> Extraction:
        if len(self._unreadable) == len(self._places):
            first = next(iter(self._unreadable))
            raise EvaluationInvalidError(
                f"None of the {len(self._places)} images can be read. {first}: {self._unreadable[first]}"
            )
        return Extraction(self._made, dict(sorted(self._unreadable.items())))


def _embed(analyzer: FaceAnalyzer, pixels: Image, choice: FaceChoice, target: Extracted, place: int) -> None:
    faces = analyzer.detect(pixels, max_faces=1 if choice is FaceChoice.LARGEST else None)
    if not faces:
        return
    try:
        embedding = analyzer.embed(pixels, [_chosen(faces, choice, pixels)])[0]
    except FaceNotFoundError:
        return
    target.embeddings[place] = embedding
    target.found[place] = True


def _chosen(faces: Sequence[DetectedFace], choice: FaceChoice, pixels: Image) -> DetectedFace:
    """Faces come largest first."""
    if choice is FaceChoice.LARGEST:
        return faces[0]
    height, width = pixels.shape[:2]

    def from_centre(face: DetectedFace) -> float:
        x, y = (face.box.x1 + face.box.x2 - width) / 2, (face.box.y1 + face.box.y2 - height) / 2
        return x * x + y * y

    return min(faces, key=from_centre)
