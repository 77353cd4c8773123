"""Which packs' embeddings an image gets, and their making."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import Box, DetectedFace
from lianpu.engines.image import DecodedImage
from lianpu.errors import FaceNotFoundError, LianpuError, NotFoundError, PackError
from lianpu.gallery.analyzers import Analyzers, key_of
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.models import FAILURE_REASON_MAX_CHARS, EmbeddingFailure, FaceEmbedding
from lianpu.packs.folder import folder_name, split_name

SAME_FACE_IOU = 0.3
"""Boxes of two detectors around the same face overlap at least this much."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What became of one wanted pack: an embedding, or the reason why not."""

    pack: str
    version: str
    """Empty where the pack could not even be found."""
    embedding: FaceEmbedding | None
    detail: str | None = None
    is_final: bool = False
    """The pack works and does not find this face: it would not another time either."""


@dataclass(frozen=True, slots=True)
class WantedPacks:
    """The packs of one new image, loaded."""

    first: FaceAnalyzer
    """Its detector chooses the face."""
    others: tuple[FaceAnalyzer, ...]
    unusable: tuple[Generated, ...]
    are_named: bool
    """By the request; otherwise those of the moment apply, and may have become more when the image is stored."""


class Generation:
    """Unless a request names packs: the active one, the configured ones, and those that are to be ready beside it."""

    def __init__(self, analyzers: Analyzers, configured: Sequence[str], *, max_faces: int) -> None:
        self._analyzers = analyzers
        self._configured = tuple(configured)
        self._max_faces = max_faces
        self._beside: dict[str, PackKey] = {}
        self._lock = threading.Lock()

    def put_beside(self, purpose: str, key: PackKey | None) -> None:
        """Embeddings of this pack, too, from the next image on that is stored; None ends what the purpose wanted."""
        with self._lock:
            beside = {name: kept for name, kept in self._beside.items() if name != purpose}
            self._beside = beside if key is None else {**beside, purpose: key}

    def required(self) -> list[PackKey]:
        """The active pack and those beside it. Never blocks."""
        active = self._analyzers.active_key
        return list(dict.fromkeys([*([] if active is None else [active]), *self._beside.values()]))

    def wanted(self, named: Sequence[str] | None) -> WantedPacks:
        """Load the packs; blocks. One that cannot be used is reported, not raised, while the others make sense.

        Raises:
            PackNotFoundError: the request names a pack that is not there, or the active one is not.
            PackError: no pack can be used, or the active one cannot, and the request names none.
        """
        active = self._analyzers.active
        # The active pack comes first: what it sees of the photo is what a search will see of the person.
        names = list(named or ()) or [active, *self._configured, *self._beside_names()]
        usable: dict[PackKey, FaceAnalyzer] = {}
        unusable: dict[str, Generated] = {}
        failure: LianpuError | None = None
        for name in dict.fromkeys(names):
            try:
                analyzer = self._analyzers.get(name)
            except (PackError, NotFoundError) as error:
                if (named and isinstance(error, NotFoundError)) or (not named and name == active):
                    raise
                failure = failure or error
                pack, version = split_name(name)
                unusable[name] = Generated(pack, version or "", None, error.detail)
            else:
                usable.setdefault(key_of(analyzer), analyzer)
        if not usable:
            assert failure is not None
            raise failure
        first, *others = usable.values()
        return WantedPacks(first, tuple(others), tuple(unusable.values()), bool(named))

    def generate(
        self, wanted: WantedPacks, image: DecodedImage, face: DetectedFace, person_id: str, image_id: str
    ) -> tuple[Generated, ...]:
        """`face` was found by `wanted.first`, whose embedding comes first; the others look for it with their own eyes.

        Raises:
            FaceNotFoundError, PackError: the first one cannot embed the face.
        """
        vector = wanted.first.embed(image.pixels, [face])[0]
        first = _generated(wanted.first, vector, person_id, image_id)
        others = (self._at_box(analyzer, image, face.box, person_id, image_id) for analyzer in wanted.others)
        return (first, *others, *wanted.unusable)

    def missing(self, generated: Iterable[Generated]) -> list[PackKey]:
        """What has come to be required since these were made."""
        made = {(item.pack, item.version) for item in generated}
        return [key for key in self.required() if key not in made]

    def generate_late(
        self, keys: Iterable[PackKey], image: DecodedImage, box: Box, person_id: str, image_id: str
    ) -> list[Generated]:
        """Embeddings of an image that is prepared already; blocks."""
        made: list[Generated] = []
        for key in keys:
            try:
                analyzer = self._analyzers.get(folder_name(*key))
            except (PackError, NotFoundError) as error:
                made.append(Generated(*key, None, error.detail))
            else:
                made.append(self._at_box(analyzer, image, box, person_id, image_id))
        return made

    def _at_box(
        self, analyzer: FaceAnalyzer, image: DecodedImage, box: Box, person_id: str, image_id: str
    ) -> Generated:
        try:
            vector = vector_at(analyzer, image, box, self._max_faces)
        except FaceNotFoundError as error:
            return Generated(*key_of(analyzer), None, error.detail, is_final=True)
        except PackError as error:
            return Generated(*key_of(analyzer), None, error.detail)
        return _generated(analyzer, vector, person_id, image_id)

    def _beside_names(self) -> list[str]:
        return [folder_name(*key) for key in self._beside.values()]


def vector_at(analyzer: FaceAnalyzer, image: DecodedImage, box: Box, max_faces: int) -> NDArray[np.float32]:
    """Embed the face that another pack found at `box`: [dimension] float32.

    Raises:
        FaceNotFoundError: this pack's detector finds no face there.
    """
    faces = analyzer.detect(image.pixels, max_faces=max_faces)
    best = max(faces, key=lambda face: face.box.iou(box), default=None)
    if best is None or best.box.iou(box) < SAME_FACE_IOU:
        raise FaceNotFoundError(f"pack {analyzer.pack_name!r} does not find this face")
    return analyzer.embed(image.pixels, [best])[0]


def embedding_of(analyzer: FaceAnalyzer, vector: NDArray[np.float32], person_id: str, image_id: str) -> FaceEmbedding:
    """The row; its pack and version are those of the analyzer that made the vector, whatever was asked for."""
    pack, version = key_of(analyzer)
    return FaceEmbedding(
        person_id=person_id,
        image_id=image_id,
        pack=pack,
        pack_version=version,
        dimension=len(vector),
        vector=vector,
    )


def failures_of(image_id: str, generated: Iterable[Generated]) -> list[EmbeddingFailure]:
    """Rows for the packs that do not find the face; one that could not be used is no failure of the image."""
    return [failure(image_id, (item.pack, item.version), item.detail or "") for item in generated if item.is_final]


def failure(image_id: str, key: PackKey, reason: str) -> EmbeddingFailure:
    pack, version = key
    return EmbeddingFailure(
        image_id=image_id, pack=pack, pack_version=version, reason=reason[:FAILURE_REASON_MAX_CHARS]
    )


def _generated(analyzer: FaceAnalyzer, vector: NDArray[np.float32], person_id: str, image_id: str) -> Generated:
    return Generated(*key_of(analyzer), embedding_of(analyzer, vector, person_id, image_id))
