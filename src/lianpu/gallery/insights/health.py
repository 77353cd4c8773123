"""The health report: what is wrong in the gallery, found by a job, and whether it still is."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.quality import QualityLimits
from lianpu.gallery.analyzers import Analyzers, key_of
from lianpu.gallery.insights.health_findings import FindingKind, Found, Limits, Severity, find, same_photo
from lianpu.gallery.insights.health_schemas import HealthReport
from lianpu.gallery.insights.health_wording import told
from lianpu.gallery.insights.pair_scan import GalleryVectors, compare_all, read_vectors
from lianpu.gallery.insights.repository import InsightsRepository
from lianpu.gallery.thresholds import GalleryThresholds
from lianpu.jobs.handler import RunningJob
from lianpu.packs.folder import folder_name
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.vectors.pairs import PairScan, PairScores, ScanLimits

KIND = "gallery.health"
MOST_OF_A_KIND = 200
SEVERITIES = list(Severity)
KINDS = list(FindingKind)


@dataclass(frozen=True, slots=True)
class _Looked:
    gallery: GalleryVectors
    found: list[Found]


class HealthCheck:
    """Handles the jobs; looks at some persons again when a finding is to be mended."""

    kind = KIND

    def __init__(
        self,
        analyzers: Analyzers,
        queue: InferenceQueue,
        database: Database,
        thresholds: GalleryThresholds,
        *,
        quality: QualityLimits,
        limits: ScanLimits,
    ) -> None:
        self._analyzers = analyzers
        self._queue = queue
        self._database = database
        self._thresholds = thresholds
        self._quality = quality
        self._limits = limits

    async def run(self, job: RunningJob) -> dict[str, Any]:
        wanted = folder_name(job.parameters["pack"], job.parameters["pack_version"])
        analyzer = await self._queue.run_patiently(self._analyzers.get, wanted)
        gallery = await read_vectors(self._database, key_of(analyzer), analyzer.dimension)
        scores = None
        if len(gallery.person_ids) > 1:
            scores = await compare_all(job, self._queue, gallery, analyzer.metric, self._limits)
        looked = await self._look(analyzer, gallery, scores, None)
        compared = len(gallery.person_ids) if scores is None else int(scores.probed.sum())
        report = await self._report(analyzer, looked, compared)
        return report.model_dump(mode="json")

    async def find_again(self, pack: str, person_ids: Collection[str]) -> dict[str, Found]:
        """What is wrong with some persons now, among themselves, by finding id.

        Raises:
            PackNotFoundError, PackError: the pack cannot be used any more.
        """
        analyzer = await self._queue.run_patiently(self._analyzers.get, pack)
        gallery = await read_vectors(self._database, key_of(analyzer), analyzer.dimension, person_ids)
        scores = None
        if len(gallery.person_ids) > 1:
            scores = await self._queue.run_patiently(_compare, gallery, analyzer, self._limits)
        looked = await self._look(analyzer, gallery, scores, person_ids)
        return {found.finding_id: found for found in looked.found}

    async def _look(
        self,
        analyzer: FaceAnalyzer,
        gallery: GalleryVectors,
        scores: PairScores | None,
        person_ids: Collection[str] | None,
    ) -> _Looked:
        async with self._database.session() as session:
            own = await InsightsRepository(session).own_thresholds()
        limits = Limits.of(gallery.person_ids, own, self._threshold(analyzer))
        found = await self._queue.run_patiently(find, gallery, scores, limits, analyzer.metric)
        by_rows = await self._by_rows(analyzer, person_ids)
        # The same file under several persons is the same photo, too: said once, by its file.
        files = [set(item.images) for item in by_rows if item.kind is FindingKind.DUPLICATE_IMAGES]
        found = [
            item
            for item in found
            if item.kind is not FindingKind.DUPLICATE_IMAGES or not any(set(item.images) <= file for file in files)
        ]
        return _Looked(gallery, [*found, *by_rows])

    async def _by_rows(self, analyzer: FaceAnalyzer, person_ids: Collection[str] | None) -> list[Found]:
        """What the database alone shows."""
        key = key_of(analyzer)
        pack = folder_name(*key)
        found: list[Found] = []
        async with self._database.session() as session:
            repository = InsightsRepository(session)
            shared = await repository.shared_files(person_ids)
            found += [same_photo(tuple(images), None) for images in shared.values()]
            for person_id, count in await repository.without_embedding(key, person_ids):
                detail = "no image" if count == 0 else f"none of {count} image(s) has an embedding"
                found.append(Found(FindingKind.NO_EMBEDDING, Severity.MEDIUM, (person_id,), scope=pack, detail=detail))
            async for person_id, image_id, quality in repository.single_images(person_ids):
                poor = self._poor(person_id, image_id, quality)
                if poor is not None:
                    found.append(poor)
        return found

    def _poor(self, person_id: str, image_id: str, quality: Mapping[str, Any]) -> Found | None:
        limits = self._quality
        least = (
            ("sharpness", limits.min_sharpness),
            ("size_px", limits.min_size_px),
            ("exposure", limits.min_exposure),
            ("overall", limits.min_overall),
        )
        short = [
            f"{name} is {quality[name]:.3g}, the limit {limit:g}" for name, limit in least if quality[name] < limit
        ]
        if not short:
            return None
        images = ((person_id, image_id),)
        overall = float(quality["overall"])
        return Found(
            FindingKind.SINGLE_POOR_IMAGE,
            Severity.LOW,
            (person_id,),
            images,
            overall,
            limits.min_overall,
            detail="; ".join(short),
        )

    def _threshold(self, analyzer: FaceAnalyzer) -> float:
        of_gallery = self._thresholds.of(key_of(analyzer))
        return analyzer.threshold if of_gallery is None else of_gallery

    async def _report(self, analyzer: FaceAnalyzer, looked: _Looked, compared: int) -> HealthReport:
        counts = Counter(item.kind for item in looked.found)
        listed: Counter[FindingKind] = Counter()
        shown: list[Found] = []
        for item in sorted(looked.found, key=_rank):
            if listed[item.kind] < MOST_OF_A_KIND:
                listed[item.kind] += 1
                shown.append(item)
        named = sorted({person_id for item in shown for person_id in item.person_ids})
        async with self._database.session() as session:
            persons = await InsightsRepository(session).persons(named)
        names = {person_id: figures.name for person_id, figures in persons.items()}
        return HealthReport(
            pack=analyzer.pack_name,
            pack_version=analyzer.pack_version,
            threshold=self._threshold(analyzer),
            people=len(looked.gallery.person_ids),
            images=len(looked.gallery.image_ids),
            compared_people=compared,
            counts={kind: counts[kind] for kind in KINDS if counts[kind]},
            # Who was deleted while the job ran has no name any more.
            findings=[told(item, names) for item in shown if all(one in names for one in item.person_ids)],
        )


def _rank(found: Found) -> tuple[int, int, float, str]:
    """The worst first; of look-alikes and the like, the closest."""
    closeness = 0.0 if found.score is None else -found.score
    if found.kind in {FindingKind.OUTLIER_IMAGE, FindingKind.SINGLE_POOR_IMAGE}:
        closeness = -closeness
    return SEVERITIES.index(found.severity), KINDS.index(found.kind), closeness, found.finding_id


def _compare(gallery: GalleryVectors, analyzer: FaceAnalyzer, limits: ScanLimits) -> PairScores:
    scan = PairScan(gallery.vectors, np.asarray(gallery.persons), analyzer.metric, limits)
    for _ in scan.steps():
        pass
    return scan.result()
