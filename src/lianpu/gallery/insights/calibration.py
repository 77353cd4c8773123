"""Calibration: what each threshold means for this gallery, from its own people's scores against one another."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianpu.database.session import Database
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.errors import GalleryTooSmallError
from lianpu.evaluation.false_matches import Comparisons, FalseMatches
from lianpu.evaluation.plots import MeasuredRates, Plots
from lianpu.gallery.analyzers import Analyzers, key_of
from lianpu.gallery.insights.calibration_schemas import (
    DEFAULT_FMR,
    CalibrationReport,
    RateCurves,
    SampledPeople,
    ScoreHistogram,
)
from lianpu.gallery.insights.calibration_table import LADDER, TableMaker
from lianpu.gallery.insights.look_alikes import look_alikes
from lianpu.gallery.insights.pair_scan import GalleryVectors, compare_all, read_vectors
from lianpu.gallery.insights.repository import InsightsRepository, PersonFigures
from lianpu.gallery.thresholds import GalleryThresholds
from lianpu.jobs.handler import RunningJob
from lianpu.packs.folder import folder_name
from lianpu.runtime.scheduling import InferenceQueue
from lianpu.vectors.pairs import Distribution, PairScores, ScanLimits

KIND = "gallery.calibrate"
FEWEST_PEOPLE = 10
PLOTS_FOLDER = "plots"
SHOWN_BINS = 100
METHOD = (
    "A comparison is one image against one other person, by the best of that person's images; every person weighs the "
    "same. Intervals are Clopper and Pearson's of the effective number of pairs, whose variance is robust for pairs "
    "that share a person (Aronow, Samii and Assenova 2015)."
)


@dataclass(frozen=True, slots=True)
class _Material:
    """All that a report is made of."""

    analyzer: FaceAnalyzer
    gallery: GalleryVectors
    scores: PairScores
    comparisons: Comparisons
    wanted_fmr: float
    confidence: float
    names: dict[str, PersonFigures]
    of_gallery: float | None


class Calibration:
    """Handles the jobs."""

    kind = KIND

    def __init__(
        self,
        analyzers: Analyzers,
        queue: InferenceQueue,
        database: Database,
        thresholds: GalleryThresholds,
        plots: Plots,
        *,
        limits: ScanLimits,
    ) -> None:
        self._analyzers = analyzers
        self._queue = queue
        self._database = database
        self._thresholds = thresholds
        self._plots = plots
        self._limits = limits

    async def run(self, job: RunningJob) -> dict[str, Any]:
        """
        Raises:
            GalleryTooSmallError: too few persons have embeddings of the pack.
        """
        wanted = folder_name(job.parameters["pack"], job.parameters["pack_version"])
        analyzer = await self._queue.run_patiently(self._analyzers.get, wanted)
        key = key_of(analyzer)
        gallery = await read_vectors(self._database, key, analyzer.dimension)
        people = len(gallery.person_ids)
        if people < FEWEST_PEOPLE:
            raise too_small(wanted, people)
        scores = await compare_all(job, self._queue, gallery, analyzer.metric, self._limits)
        async with self._database.session() as session:
            names = await InsightsRepository(session).persons(gallery.person_ids)
        material = _Material(
            analyzer,
            gallery,
            scores,
            comparisons_of(gallery.persons, scores),
            wanted_rate(job.parameters, people),
            job.parameters["confidence"],
            names,
            self._thresholds.of(key),
        )
        report = await asyncio.to_thread(self._report, material, job.folder / PLOTS_FOLDER)
        return report.model_dump(mode="json")

    def _report(self, material: _Material, folder: Path) -> CalibrationReport:
        analyzer, gallery, scores = material.analyzer, material.gallery, material.scores
        rates = FalseMatches(material.comparisons, material.confidence)
        table = TableMaker(rates, scores, gallery.persons, analyzer.metric, material.confidence)
        proposed = table.row("proposed", rates.threshold_for(material.wanted_fmr), material.wanted_fmr)
        rows = [proposed, table.row("pack", analyzer.threshold)]
        if material.of_gallery is not None:
            rows.append(table.row("gallery", material.of_gallery))
        rows += [
            table.row("ladder", rates.threshold_for(rate), rate) for rate in LADDER if rate * rates.comparisons >= 1
        ]
        least = rates.least_promise()
        people = len(gallery.person_ids)
        curves = _curves(rates, material.comparisons, table.genuine)
        histogram = _histogram(scores.distribution, table.genuine)
        label = folder_name(analyzer.pack_name, analyzer.pack_version)
        probed = int(scores.probed.sum())
        return CalibrationReport(
            pack=analyzer.pack_name,
            pack_version=analyzer.pack_version,
            metric=analyzer.metric,
            wanted_fmr=material.wanted_fmr,
            confidence=material.confidence,
            people=people,
            images=len(gallery.image_ids),
            people_with_several_images=int((np.bincount(gallery.persons) > 1).sum()),
            comparisons=rates.comparisons,
            pairs_of_people=rates.pairs,
            effective_pairs=rates.estimate(proposed.threshold).effective_pairs,
            sampled=None if probed == people else SampledPeople(people=probed, of=people, seed=self._limits.seed),
            least_fmr=least,
            is_promised=material.wanted_fmr >= least,
            advice=_advice(people, least, material),
            method=METHOD,
            proposed=proposed,
            thresholds=sorted(rows, key=lambda row: row.threshold),
            look_alikes=look_alikes(gallery, scores, analyzer.metric, proposed.threshold, material.names),
            curves=curves,
            histogram=histogram,
            plots=self._draw(curves, histogram, proposed.threshold, label, folder),
        )

    def _draw(
        self, curves: RateCurves, histogram: ScoreHistogram, threshold: float, label: str, folder: Path
    ) -> list[str]:
        folder.mkdir(parents=True, exist_ok=True)
        drawn = MeasuredRates(
            label,
            np.array(curves.thresholds),
            np.array(curves.fmr),
            None if curves.fnmr is None else np.array(curves.fnmr),
            np.array(histogram.edges),
            np.array(histogram.searches),
            None if histogram.genuine is None else np.array(histogram.genuine),
            threshold if threshold <= 1 else None,
        )
        names: list[str] = []
        for name, plot in (
            ("error_rates", self._plots.measured_rates(drawn, "False matches and misses over the threshold")),
            ("histogram", self._plots.measured_histogram(drawn, "Scores of the gallery's own people")),
        ):
            for suffix, content in (("png", plot.png), ("svg", plot.svg)):
                (folder / f"{name}.{suffix}").write_bytes(content)
                names.append(f"{name}.{suffix}")
        return names


def too_small(pack: str, people: int) -> GalleryTooSmallError:
    return GalleryTooSmallError(
        f"{people} persons have embeddings of {pack}; a calibration needs {FEWEST_PEOPLE}, and says more the more "
        "there are.",
        context={"people": people, "needed": FEWEST_PEOPLE},
    )


def wanted_rate(parameters: dict[str, Any], people: int) -> float:
    """The false-match rate that is asked for, in so many words or by the searches that may go wrong."""
    wrong_per_1000: float | None = parameters.get("expected_false_matches")
    if wrong_per_1000 is not None:
        return -float(np.expm1(np.log1p(-wrong_per_1000 / 1000) / people))
    return parameters.get("wanted_fmr") or DEFAULT_FMR


def comparisons_of(persons: NDArray[np.int64], scores: PairScores) -> Comparisons:
    """A scan's scores as comparisons of people; the scan must have counted its distribution."""
    assert scores.distribution is not None
    probes = persons[scores.tail.probes]
    return Comparisons(
        scores.persons,
        scores.probed,
        scores.tail.scores,
        probes,
        scores.tail.persons,
        1.0 / np.bincount(persons)[probes],
        scores.tail.floor,
        scores.distribution.edges,
        scores.distribution.searches,
    )


def _curves(rates: FalseMatches, comparisons: Comparisons, genuine: NDArray[np.float64]) -> RateCurves:
    """At even steps, and wherever it takes to see the ends of both curves."""
    ends = [rates.threshold_for(rate) for rate in np.geomspace(0.5, 1 / rates.comparisons, 60)]
    low = float(comparisons.edges[0]) if not len(genuine) else min(float(comparisons.edges[0]), float(genuine.min()))
    quantiles = np.quantile(genuine, np.linspace(0, 1, 60)) if len(genuine) else np.empty(0)
    thresholds = np.unique(np.concatenate([np.linspace(max(low, 0.0), 1.0, 80), ends, quantiles]).clip(0, 1).round(6))
    fnmr = np.searchsorted(np.sort(genuine), thresholds, "left") / len(genuine) if len(genuine) else None
    return RateCurves(
        thresholds=thresholds.tolist(),
        fmr=[rates.rate(float(threshold)) for threshold in thresholds],
        fnmr=None if fnmr is None else fnmr.tolist(),
    )


def _histogram(distribution: Distribution | None, genuine: NDArray[np.float64]) -> ScoreHistogram:
    assert distribution is not None
    used = np.flatnonzero(distribution.images)
    low, high = distribution.edges[used[0]], distribution.edges[used[-1] + 1]
    if len(genuine):
        low, high = min(low, genuine.min()), max(high, genuine.max())
    edges = np.linspace(low, high, SHOWN_BINS + 1)
    shown: list[list[float]] = []
    for counts in (distribution.searches, distribution.images):
        cumulated = np.concatenate([[0.0], np.cumsum(counts)]) / max(float(counts.sum()), 1.0)
        shown.append(np.diff(np.interp(edges, distribution.edges, cumulated)).tolist())
    of_genuine = (np.histogram(genuine, edges)[0] / len(genuine)).tolist() if len(genuine) else None
    return ScoreHistogram(edges=edges.tolist(), searches=shown[0], images=shown[1], genuine=of_genuine)


def _advice(people: int, least: float, material: _Material) -> str:
    text = (
        f"With {people} people no false-match rate below {least:.1g} can be promised at {material.confidence:.0%} "
        "confidence."
    )
    if material.wanted_fmr < least:
        text += " The proposed threshold is the best guess; enrol more people to know."
    if not bool((np.bincount(material.gallery.persons) > 1).any()):
        text += " Nobody has two images: how many of your people a threshold would miss cannot be measured."
    return text
