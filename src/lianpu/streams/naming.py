"""What streams ask of the gallery: who a face is, whether it is live, and who is still there."""

import asyncio
from collections.abc import Sequence

import numpy as np

from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import DetectedFace, Image
from lianpu.errors import PackIncompleteError
from lianpu.gallery.liveness import LivenessCheck
from lianpu.gallery.recognition import FaceMatches, Recognition
from lianpu.gallery.repository import GalleryRepository
from lianpu.settings import LivenessMode
from lianpu.streams.pipeline import Probe
from lianpu.streams.voting import Recognised


class FaceNaming:
    def __init__(self, recognition: Recognition, liveness: LivenessCheck, database: Database) -> None:
        self._recognition = recognition
        self._liveness = liveness
        self._database = database

    @property
    def judges_live(self) -> bool:
        return self._liveness.mode is not LivenessMode.OFF

    @property
    def names_live_only(self) -> bool:
        return self._liveness.mode is LivenessMode.ENFORCE

    def mode_for(self, liveness: LivenessMode | None) -> LivenessMode:
        """The stricter of the server's mode and this one."""
        return self._liveness.mode_for(liveness)

    async def analyzer(self, pack: str | None, liveness: LivenessMode | None = None) -> FaceAnalyzer:
        """
        Args:
            liveness: here and below: may only be stricter than the server's.

        Raises:
            PackNotFoundError, PackError: the pack, or the one for liveness where that is on, cannot be used.
        """
        problem = await asyncio.to_thread(self._liveness.problem, liveness)
        if problem is not None:
            raise PackIncompleteError(problem)
        return await self._recognition.analyzer(pack)

    def are_live(self, image: Image, faces: Sequence[DetectedFace], liveness: LivenessMode | None = None) -> list[bool]:
        """Blocks."""
        return [one.is_live for one in self._liveness.judge(image, faces, self.mode_for(liveness)) or ()]

    async def ask(
        self, analyzer: FaceAnalyzer, threshold: float | None, probes: Sequence[Probe]
    ) -> list[tuple[int, Recognised, str | None]]:
        """Who the faces are: (track id, outcome, name to show), in their order."""
        embeddings = np.stack([probe.embedding for probe in probes])
        found = await self._recognition.identify(embeddings, analyzer, threshold=threshold)
        return [_answer(probe, faces, analyzer) for probe, faces in zip(probes, found, strict=True)]

    async def gone(self, person_ids: set[str]) -> set[str]:
        """Which of these persons there are no more."""
        async with self._database.session() as session:
            return person_ids - await GalleryRepository(session).existing_persons(sorted(person_ids))

    async def names(self, person_ids: set[str]) -> dict[str, str]:
        """As they are by now, of those whom there still are."""
        async with self._database.session() as session:
            return await GalleryRepository(session).names(sorted(person_ids))


def _answer(probe: Probe, faces: FaceMatches, analyzer: FaceAnalyzer) -> tuple[int, Recognised, str | None]:
    if not faces.matches:  # nobody is enrolled
        return probe.track_id, Recognised(None, 0.0, -analyzer.threshold, probe.quality), None
    first = faces.matches[0]
    margin = first.score - first.threshold.value
    person_id = first.row.person_id if first.is_match else None
    return probe.track_id, Recognised(person_id, first.score, margin, probe.quality), first.row.name
