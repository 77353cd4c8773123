"""The faces of one photo: which are restored, how much of that is kept, and whether they are still the same persons."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import DetectedFace, Image
from lianpu.engines.face.quality import FaceQuality, measure_quality
from lianpu.engines.restore.blending import RestoredFace, blend_of, lay_on
from lianpu.engines.restore.enhancement import EnhancedFace, Identity, IdentityStatus
from lianpu.engines.restore.faces import FacePlace, moved, oval_mask, place_face, scaling, square_mask
from lianpu.engines.restore.identity import IdentityMeasure, Reference, greatest_share, measuring_factor, shifted
from lianpu.engines.restore.sharpness import is_sharp
from lianpu.engines.restore.tiling import interpolate

_LEAST_EYES_PX = 6.0
_SEARCHED_BELOW_PX, _MOST_ENLARGED = 640, 4
# What is measured on the final pixels differs a little from the preview that the search looks at.
_MARGIN = 0.005

TOO_SMALL = "The face is too small to be restored."
SHARP = "The face is sharp already."
NOT_MEASURABLE = "The face is too poor to tell whether it would remain the same person."
OTHER_PERSON = "Restored, it would no longer be the same person by the recogniser."
NO_RESTORER = "No face restorer was to run."


@dataclass(slots=True)
class FaceWork:
    """One face on its way."""

    place: FacePlace
    quality: FaceQuality
    reference: Reference | None
    """None: the face is too poor for its identity to be measured."""
    reason: str | None
    """Why it is not restored; None: it is to be."""
    alpha: float = 0.0
    similarity: float | None = None

    @property
    def face(self) -> DetectedFace:
        return self.place.face


def find_faces(analyzer: FaceAnalyzer, photo: Image, most: int) -> list[DetectedFace]:
    """The largest faces of a photo, with landmarks. A small photo without one is looked at again, enlarged.

    Args:
        photo: [H, W, 3] uint8 RGB.
    """
    faces = analyzer.detect(photo, max_faces=most)
    factor = 2
    while not faces and factor <= _MOST_ENLARGED and max(photo.shape[:2]) * factor <= 2 * _SEARCHED_BELOW_PX:
        back = scaling(1 / factor)
        faces = [moved(face, back) for face in analyzer.detect(interpolate(photo, factor), max_faces=most)]
        factor *= 2
    return faces


def prepare_faces(
    photo: Image, faces: Sequence[DetectedFace], measure: IdentityMeasure, scale: int, *, has_restorer: bool
) -> list[FaceWork]:
    """Measure each face and decide whether it is restored, in the order of `faces`."""
    height, width = photo.shape[:2]
    works: list[FaceWork] = []
    for face in faces:
        place = place_face(face, width, height)
        if place is None:
            continue
        quality = measure_quality(photo, face)
        reason = None
        if not has_restorer:
            reason = NO_RESTORER
        elif place.eye_distance_px < _LEAST_EYES_PX:
            reason = TOO_SMALL
        elif is_sharp(photo, place, scale):
            reason = SHARP
        works.append(FaceWork(place, quality, measure.reference(photo, face, quality), reason))
    return works


class FaceBlender:
    """Lays the faces of one photo onto its enlarged copy, and measures them there."""

    def __init__(
        self,
        photo: Image,
        result: Image,
        scale: int,
        measure: IdentityMeasure,
        *,
        preserve_identity: bool,
        is_result_neural: bool,
    ) -> None:
        """
        Args:
            photo: the original, [H, W, 3] uint8 RGB.
            result: `scale` times as wide and high; changed in place.
            is_result_neural: a network made it; else it shows the original's own pixels.
        """
        self._photo, self._result, self._scale = photo, result, scale
        self._measure = measure
        self._preserves = preserve_identity
        self._is_neural = is_result_neural

    def lay(self, work: FaceWork, restored: RestoredFace | None) -> None:
        """Lay a face on, as much of it as identity allows; None: the enlarged photo's own picture of it."""
        work.alpha = self._share(work, restored)
        if restored is None and (work.alpha >= 1 or not self._is_neural):
            return
        if restored is not None and work.alpha <= 0:
            work.reason = NOT_MEASURABLE if work.reference is None else OTHER_PERSON
            restored = None
            if not self._is_neural:
                return
        self._lay_on(work, restored, oval_mask(), work.alpha)

    def settle(self, work: FaceWork) -> None:
        """Measure a face on the final pixels; where identity was lost on the way, put the original's face back."""
        if work.reference is None:
            return
        work.similarity = self._final(work, work.reference)
        if self._preserves and work.similarity < work.reference.threshold:
            self._lay_on(work, None, square_mask(), 0.0)
            work.alpha, work.reason = 0.0, OTHER_PERSON
            work.similarity = self._final(work, work.reference)

    def report(self, work: FaceWork, *, was_restored: bool) -> EnhancedFace:
        after = measure_quality(self._result, moved(work.face, scaling(self._scale)))
        return EnhancedFace(
            box=work.face.box,
            is_restored=was_restored and work.alpha > 0,
            reason=work.reason,
            identity=self._identity(work),
            sharpness_before=work.quality.sharpness_score,
            sharpness_after=after.sharpness_score,
            quality_before=work.quality.overall,
            quality_after=after.overall,
        )

    def _share(self, work: FaceWork, restored: RestoredFace | None) -> float:
        if not self._preserves:
            return 1.0
        if work.reference is None or (restored is None and work.reason != NO_RESTORER):
            return 0.0
        reference, place = work.reference, work.place
        factor = measuring_factor(place.eye_distance_px, self._scale)
        blend = blend_of(self._photo, self._result, self._scale, place, restored, oval_mask(), factor)
        face = shifted(work.face, factor, place.roi[0], place.roi[1])

        def passes(alpha: float) -> bool:
            picture = np.clip(np.rint(blend.at(alpha)), 0, 255).astype(np.uint8)
            return self._measure.similarity(reference, picture, face) >= reference.threshold + _MARGIN

        return greatest_share(passes)

    def _final(self, work: FaceWork, reference: Reference) -> float:
        place = work.place
        factor = measuring_factor(place.eye_distance_px, self._scale)
        blend = blend_of(self._photo, self._result, self._scale, place, None, oval_mask(), factor)
        picture = np.clip(np.rint(blend.result), 0, 255).astype(np.uint8)
        return self._measure.similarity(reference, picture, shifted(work.face, factor, place.roi[0], place.roi[1]))

    def _lay_on(self, work: FaceWork, restored: RestoredFace | None, mask: NDArray[np.float32], alpha: float) -> None:
        lay_on(self._photo, self._result, self._scale, work.place, restored, mask, alpha)

    def _identity(self, work: FaceWork) -> Identity:
        reference, similarity = work.reference, work.similarity
        if reference is None or similarity is None:
            return Identity(IdentityStatus.NOT_MEASURABLE, None, None, work.alpha)
        if similarity >= reference.threshold:
            return Identity(IdentityStatus.KEPT, similarity, reference.threshold, work.alpha)
        if self._preserves:
            # The face shows the original's own pixels: their embedding changes with mere enlarging.
            return Identity(IdentityStatus.NOT_MEASURABLE, None, None, work.alpha)
        return Identity(IdentityStatus.LOST, similarity, reference.threshold, work.alpha)
