"""An evaluation as plain data for JSON, and as pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lianpu.evaluation.datasets import DataSet, Protocol
from lianpu.evaluation.evaluating import HardPair, PackEvaluation, Rates
from lianpu.evaluation.identification import Identification
from lianpu.evaluation.intervals import Interval
from lianpu.evaluation.metrics import FoldAccuracy, TarAtFar, curve_of, histogram_of
from lianpu.evaluation.plots import Plot, Plots, PlottedScores
from lianpu.packs.metric import Metric, raw_of

_CURVE_POINTS = 400
TITLES = {
    Protocol.LFW: "LFW protocol",
    Protocol.FOLDER: "All images against all",
    Protocol.PAIRS: "Table of pairs",
}


def report_of(
    data: DataSet, packs: Sequence[PackEvaluation], unreadable: Mapping[str, str], measured_with: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything, JSON-ready. Rates are 0…1; a threshold is given as a score and in the pack's own metric.

    Args:
        unreadable: image -> why.
        measured_with: version, machine, settings: passed on as it is.
    """
    return {
        "protocol": data.protocol.value,
        "face_choice": data.face_choice.value,
        "images": len(data.images),
        "persons": len(np.unique(data.persons)),
        "genuine_pairs": int(data.pairs.same.sum()),
        "impostor_pairs": int((~data.pairs.same).sum()),
        "unreadable": dict(unreadable),
        "measured_with": dict(measured_with),
        "packs": [_pack(pack) for pack in packs],
    }


def draw_plots(plots: Plots, data: DataSet, packs: Sequence[PackEvaluation]) -> dict[str, Plot]:
    """File stem -> picture: roc, det, histograms, error_rates; thresholds marked are the packs' own."""
    drawn = [PlottedScores(pack.name, pack.impostor, pack.genuine, pack.at_recommended.threshold) for pack in packs]
    title = f"{TITLES[data.protocol]}, {len(data.images):,} images"
    return {
        "roc": plots.roc(drawn, f"{title}: ROC"),
        "det": plots.det(drawn, f"{title}: detection error trade-off"),
        "histograms": plots.histograms(drawn, f"{title}: scores"),
        "error_rates": plots.error_rates(drawn, f"{title}: error rates"),
    }


def _pack(pack: PackEvaluation) -> dict[str, Any]:
    scored = len(pack.pairs)
    best_threshold, best_accuracy = pack.best
    return {
        "pack": pack.pack,
        "version": pack.version,
        "metric": pack.metric.value,
        "dimension": pack.dimension,
        "images_without_face": list(pack.misses),
        "miss_rate": len(pack.misses) / pack.images,
        "pairs": {
            "genuine": len(pack.genuine),
            "impostor": len(pack.impostor),
            "genuine_without_score": pack.lost_genuine,
            "impostor_without_score": pack.lost_impostor,
        },
        "folds": _folds(pack.accuracy, pack.metric),
        "folds_misses_as_errors": _folds(pack.accuracy_with_misses, pack.metric),
        "best_threshold": {
            **_threshold(best_threshold, pack.metric),
            "accuracy": best_accuracy,
            "accuracy_misses_as_errors": pack.best_with_misses,
            "errors": round((1 - best_accuracy) * scored),
        },
        "recommended_threshold": _rates(pack.at_recommended, pack.metric),
        "equal_error_rate": {"rate": pack.equal.rate, **_threshold(pack.equal.threshold, pack.metric)},
        "auc": pack.auc,
        "tar_at_far": [_tar(tar, pack) for tar in pack.tars],
        "identification": [_identification(rank) for rank in pack.identification],
        "hardest_genuine": [_hard(pair) for pair in pack.hardest_genuine],
        "hardest_impostor": [_hard(pair) for pair in pack.hardest_impostor],
        "histogram": _histogram(pack),
        "curve": _curve(pack),
    }


def _threshold(score: float, metric: Metric) -> dict[str, float | None]:
    raw = raw_of(metric, score)
    # JSON knows no infinity: a score of 0 is any distance.
    return {"score": score, "raw": raw if np.isfinite(raw) else None}


def _interval(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _folds(folds: FoldAccuracy | None, metric: Metric) -> dict[str, Any] | None:
    if folds is None:
        return None
    return {
        "accuracy": folds.mean,
        "std": folds.std,
        "standard_error": folds.standard_error,
        "accuracies": list(folds.folds),
        "thresholds": [_threshold(threshold, metric) for threshold in folds.thresholds],
    }


def _rates(rates: Rates, metric: Metric) -> dict[str, Any]:
    return {
        **_threshold(rates.threshold, metric),
        "fmr": rates.fmr,
        "fmr_interval": _interval(rates.fmr_interval),
        "fnmr": rates.fnmr,
        "fnmr_interval": _interval(rates.fnmr_interval),
    }


def _tar(tar: TarAtFar, pack: PackEvaluation) -> dict[str, Any]:
    if tar.tar is None or tar.interval is None:
        reason = f"{tar.estimate.pairs} impostor pairs cannot show a rate below 1 in {tar.estimate.pairs}"
        return {"far": tar.wanted_far, "tar": None, "reason": reason}
    return {
        "far": tar.wanted_far,
        "tar": tar.tar,
        "tar_interval": _interval(tar.interval),
        "tar_misses_as_errors": pack.tar_with_misses(tar),
        **_threshold(tar.estimate.threshold, pack.metric),
        "measured_far": tar.estimate.fmr,
        "measured_far_interval": _interval(tar.estimate.interval),
        "false_accepts": tar.estimate.accepted,
        "effective_impostor_pairs": tar.estimate.effective_pairs,
    }


def _identification(rank: Identification) -> dict[str, Any]:
    return {
        "rank": rank.rank,
        "rate": rank.rate,
        "interval": _interval(rank.interval),
        "rate_misses_as_errors": rank.rate_with_misses,
        "probes": rank.probes,
    }


def _hard(pair: HardPair) -> dict[str, Any]:
    return {"first": pair.first, "second": pair.second, "score": pair.score}


def _histogram(pack: PackEvaluation) -> dict[str, Any]:
    histogram = histogram_of(pack.genuine, pack.impostor)
    return {
        "edges": histogram.edges.tolist(),
        "genuine": histogram.genuine.tolist(),
        "impostor": histogram.impostor.tolist(),
    }


def _curve(pack: PackEvaluation) -> dict[str, list[float]]:
    """Evenly spread over the places where a rate changes."""
    curve = curve_of(pack.genuine, pack.impostor)
    places = np.unique(np.linspace(0, len(curve.thresholds) - 1, _CURVE_POINTS).round().astype(np.int64))
    return {
        "threshold": curve.thresholds[places].tolist(),
        "fmr": curve.fmr[places].tolist(),
        "fnmr": curve.fnmr[places].tolist(),
    }
