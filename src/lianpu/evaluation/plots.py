"""Scores as pictures: ROC, DET, histograms and error rates over the threshold, each as PNG and SVG."""

import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianpu.evaluation.metrics import Scores, curve_of
from lianpu.settings import environment_variable

GENUINE, IMPOSTOR = "#0f7b6c", "#c8553d"
_SERIES = ("#1f5fa8", "#c8553d", "#0f7b6c", "#8a4f9e", "#b07d12", "#4a5560")
_DASHES = ("-", "--", "-.", ":")
_INK, _FAINT, _PAPER = "#1d2733", "#d8dee5", "#ffffff"
_PNG_DPI = 110
_MOST_POINTS = 500
_DET_TICKS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8)
_STYLE = {
    "font.family": "sans-serif",
    # Ships with matplotlib, so that pictures are the same on every machine.
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.5,
    "figure.facecolor": _PAPER,
    "axes.facecolor": _PAPER,
    "axes.edgecolor": "#8d99a6",
    "axes.labelcolor": _INK,
    "axes.titlesize": 11,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _FAINT,
    "grid.linewidth": 0.7,
    "text.color": _INK,
    # A title may hold what a pack or a data set is called: a dollar sign is no formula.
    "text.parse_math": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "svg.hashsalt": "lianpu",
}

Places = NDArray[np.intp]

# matplotlib's style settings are process-wide, and its first import reads the environment.
_drawing = Lock()


@dataclass(frozen=True, slots=True)
class Plot:
    """One picture, in both forms."""

    png: bytes
    svg: bytes


def _none() -> Scores:
    return np.empty(0, np.float64)


@dataclass(frozen=True, slots=True)
class PlottedScores:
    """What is drawn of one pack."""

    label: str
    impostor: Scores
    """[n] scores 0…1, greater is more alike; at least one."""
    genuine: Scores = field(default_factory=_none)
    """[m] scores; may be empty for histograms and error rates."""
    threshold: float | None = None
    """Marked where it is given, as a score."""


@dataclass(frozen=True, slots=True)
class MeasuredRates:
    """Rates and shares that were counted already, of more scores than anybody would keep."""

    label: str
    thresholds: Scores
    """[n], rising."""
    fmr: Scores
    fnmr: Scores | None
    edges: Scores
    """[bins + 1] scores."""
    impostor: Scores
    """[bins] shares."""
    genuine: Scores | None
    threshold: float | None
    """Marked where it is given, as a score."""


class Plots:
    """Draws pictures; safe to use from several threads, which take turns."""

    def __init__(self, cache_dir: Path) -> None:
        """Name the folder that matplotlib may write its list of fonts into; made at the first drawing.

        The first folder of a process is used by all of it.
        """
        self._cache_dir = cache_dir

    def roc(self, packs: Sequence[PlottedScores], title: str) -> Plot:
        """True-accept rate over false-accept rate (logarithmic), all packs in one diagram."""
        with _Canvas(self._cache_dir, title, panels=1) as canvas:
            (axes,) = canvas.axes
            lowest = min(1 / len(pack.impostor) for pack in packs)
            worst = 1.0
            for number, pack in enumerate(packs):
                curve = curve_of(pack.genuine, pack.impostor)
                far, tar = np.maximum(curve.fmr, lowest / 2), 1 - curve.fnmr
                worst = min(worst, float(tar[curve.fmr <= lowest].max()))
                kept = _thinned(np.log(far), tar)
                # FAR falls along the curve: between two of its points the lower one's TAR can be had.
                axes.plot(far[kept], tar[kept], label=pack.label, drawstyle="steps-pre", **_line(number))
            axes.set_xscale("log")
            axes.minorticks_off()
            axes.set_xlim(lowest, 1)
            # Good packs differ in the topmost hundredths alone.
            axes.set_ylim(max(0.0, worst - 0.25 * (1 - worst) - 0.002), 1 + 0.02 * (1 - worst) + 0.0005)
            axes.set_xlabel("false-accept rate")
            axes.set_ylabel("true-accept rate")
            axes.xaxis.set_major_formatter(_percent())
            axes.yaxis.set_major_formatter(_percent())
            axes.legend(loc="lower right")
            return canvas.plot()

    def det(self, packs: Sequence[PlottedScores], title: str) -> Plot:
        """False non-match rate over false-match rate on normal-deviate axes, all packs in one diagram.

        Martin et al. 1997, "The DET curve in assessment of detection task performance". Rates of 0 lie at half a pair.
        """
        with _Canvas(self._cache_dir, title, panels=1, shape=(7.0, 6.2)) as canvas:
            (axes,) = canvas.axes
            ends: list[float] = []
            for number, pack in enumerate(packs):
                curve = curve_of(pack.genuine, pack.impostor)
                fmr = _probits(curve.fmr, len(pack.impostor))
                fnmr = _probits(curve.fnmr, len(pack.genuine))
                kept = _thinned(fmr, fnmr)
                axes.plot(fmr[kept], fnmr[kept], label=pack.label, **_line(number))
                ends += [1 / len(pack.impostor), 1 / len(pack.genuine)]
            least = min(0.5 * min(ends), 1e-3)
            ticks = [tick for tick in _DET_TICKS if tick >= least]
            bounds = [_probit(least), _probit(0.6)]
            for axis, low_high in ((axes.xaxis, axes.set_xlim), (axes.yaxis, axes.set_ylim)):
                low_high(*bounds)
                axis.set_ticks([_probit(tick) for tick in ticks], [_shown_percent(tick) for tick in ticks])
            axes.plot(bounds, bounds, color="#9aa5b1", linewidth=0.9, linestyle=":", label="equal error rate")
            axes.set_xlabel("false-match rate, %")
            axes.set_ylabel("false non-match rate, %")
            axes.legend(loc="upper right", frameon=True, facecolor=_PAPER, edgecolor=_PAPER, framealpha=1.0)
            return canvas.plot()

    def histograms(self, packs: Sequence[PlottedScores], title: str) -> Plot:
        """How genuine and impostor scores spread, a panel a pack, the threshold marked."""
        with _Canvas(self._cache_dir, title, panels=len(packs)) as canvas:
            for axes, pack in zip(canvas.axes, packs, strict=True):
                edges = np.histogram_bin_edges(np.concatenate([pack.genuine, pack.impostor]), 70)
                kinds = (("impostor", pack.impostor, IMPOSTOR), ("genuine", pack.genuine, GENUINE))
                for name, scores, colour in kinds:
                    if len(scores):
                        label = f"{name} ({len(scores):,} pairs)"
                        share = np.histogram(scores, edges)[0] / len(scores)
                        axes.stairs(share, edges, fill=True, color=colour, alpha=0.38, label=label)
                        axes.stairs(share, edges, color=colour, linewidth=1.0)
                axes.set_ylim(bottom=0)
                axes.margins(y=0.28)
                _mark_threshold(axes, pack.threshold)
                axes.set_title(pack.label, loc="left")
                axes.set_ylabel("share of pairs")
                axes.yaxis.set_major_formatter(_percent())
                axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)
            canvas.axes[-1].set_xlabel("score")
            return canvas.plot()

    def error_rates(self, packs: Sequence[PlottedScores], title: str) -> Plot:
        """False-match rate over the threshold, false non-match rate where there are genuine pairs; a panel a pack."""
        with _Canvas(self._cache_dir, title, panels=len(packs)) as canvas:
            for axes, pack in zip(canvas.axes, packs, strict=True):
                # Between two scores no rate changes: FMR is that of the next score, FNMR that of the one before.
                drawn = [("false-match rate", _falling(pack.impostor), IMPOSTOR, "steps-pre")]
                if len(pack.genuine):
                    drawn.append(("false non-match rate", _rising(pack.genuine), GENUINE, "steps-post"))
                for name, (thresholds, rates), colour, steps in drawn:
                    shown = rates > 0
                    kept = _thinned(thresholds[shown], np.log(rates[shown]))
                    x, y = thresholds[shown][kept], rates[shown][kept]
                    axes.plot(x, y, color=colour, label=name, drawstyle=steps)
                axes.set_yscale("log")
                axes.minorticks_off()
                axes.set_ylim(0.5 / max(len(pack.impostor), len(pack.genuine)), 1.6)
                _mark_threshold(axes, pack.threshold)
                axes.set_title(pack.label, loc="left")
                axes.set_ylabel("rate")
                axes.yaxis.set_major_formatter(_percent())
                axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)
            canvas.axes[-1].set_xlabel("threshold (score)")
            return canvas.plot()

    def measured_rates(self, measured: MeasuredRates, title: str) -> Plot:
        """`error_rates` of rates that were counted already."""
        with _Canvas(self._cache_dir, title, panels=1) as canvas:
            (axes,) = canvas.axes
            drawn = [("false-match rate", measured.fmr, IMPOSTOR)]
            if measured.fnmr is not None:
                drawn.append(("false non-match rate", measured.fnmr, GENUINE))
            least = min(float(rates[rates > 0].min()) for _, rates, _ in drawn if (rates > 0).any())
            for name, rates, colour in drawn:
                shown = rates > 0
                axes.plot(measured.thresholds[shown], rates[shown], color=colour, label=name)
            axes.set_yscale("log")
            axes.minorticks_off()
            axes.set_ylim(0.5 * least, 1.6)
            _mark_threshold(axes, measured.threshold)
            axes.set_title(measured.label, loc="left")
            axes.set_ylabel("rate")
            axes.yaxis.set_major_formatter(_percent())
            axes.set_xlabel("threshold (score)")
            axes.legend(loc="lower left")
            return canvas.plot()

    def measured_histogram(self, measured: MeasuredRates, title: str) -> Plot:
        """`histograms` of shares that were counted already."""
        with _Canvas(self._cache_dir, title, panels=1) as canvas:
            (axes,) = canvas.axes
            for name, shares, colour in (
                ("impostor", measured.impostor, IMPOSTOR),
                ("genuine", measured.genuine, GENUINE),
            ):
                if shares is not None:
                    axes.stairs(shares, measured.edges, fill=True, color=colour, alpha=0.38, label=name)
                    axes.stairs(shares, measured.edges, color=colour, linewidth=1.0)
            axes.set_ylim(bottom=0)
            _mark_threshold(axes, measured.threshold)
            axes.set_title(measured.label, loc="left")
            axes.set_ylabel("share")
            axes.yaxis.set_major_formatter(_percent())
            axes.set_xlabel("score")
            axes.legend(loc="upper left")
            return canvas.plot()


class _Canvas:
    """A figure with panels one below another, drawn under the house's style and the lock."""

    def __init__(self, cache_dir: Path, title: str, *, panels: int, shape: tuple[float, float] | None = None) -> None:
        self._cache_dir = cache_dir
        self._title = title
        self._panels = panels
        self._size = shape or ((7.6, 5.0) if panels == 1 else (8.6, 0.9 + 2.5 * panels))

    def __enter__(self) -> "_Canvas":
        _drawing.acquire()
        try:
            matplotlib = _matplotlib(self._cache_dir)
            self._context = matplotlib.rc_context()
            self._context.__enter__()
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_STYLE)
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure

            figure: Any = Figure(figsize=self._size, layout="constrained")
            FigureCanvasAgg(figure)
            figure.suptitle(self._title, x=0.01, ha="left", fontsize=13, fontweight="bold")
            self._figure = figure
            self.axes: list[Any] = list(figure.subplots(self._panels, 1, squeeze=False)[:, 0])
        except BaseException:
            _drawing.release()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._context.__exit__(None, None, None)
        _drawing.release()

    def plot(self) -> Plot:
        png = self._written("png", {"Software": "Lianpu"})
        # Places are found while the first is drawn, which takes half of the time; the second has the same.
        self._figure.set_layout_engine("none")
        return Plot(png, self._written("svg", {"Date": None, "Creator": "Lianpu"}))

    def _written(self, form: str, metadata: dict[str, str | None]) -> bytes:
        target = io.BytesIO()
        self._figure.savefig(target, format=form, dpi=_PNG_DPI, metadata=metadata)
        return target.getvalue()


def _matplotlib(cache_dir: Path) -> Any:
    """matplotlib, imported with its folder inside ours: it would put one into the user's home otherwise."""
    cache_dir.mkdir(parents=True, exist_ok=True)
    with environment_variable("MPLCONFIGDIR", str(cache_dir)):
        import matplotlib as mpl

        # Their answers are remembered for the rest of the process.
        mpl.get_configdir()
        mpl.get_cachedir()
        importlib.import_module("matplotlib.font_manager")
        return mpl


def _line(number: int) -> dict[str, str]:
    return {"color": _SERIES[number % len(_SERIES)], "linestyle": _DASHES[number // len(_SERIES) % len(_DASHES)]}


def _percent() -> Any:
    from matplotlib.ticker import FuncFormatter

    def written(rate: float, _: object) -> str:
        return f"{_shown_percent(rate)} %"

    return FuncFormatter(written)


def _shown_percent(rate: float) -> str:
    return f"{rate * 100:.6f}".rstrip("0").rstrip(".")


def _mark_threshold(axes: Any, threshold: float | None) -> None:
    if threshold is not None:
        axes.axvline(threshold, color=_INK, linewidth=1.2, linestyle=(0, (4, 3)), label=f"threshold {threshold:.3f}")


def _falling(scores: Scores) -> tuple[Scores, Scores]:
    """Thresholds, and the share of scores at or above each."""
    ordered = np.sort(scores)
    return ordered, 1.0 - np.searchsorted(ordered, ordered, side="left") / len(ordered)


def _rising(scores: Scores) -> tuple[Scores, Scores]:
    """Thresholds, and the share of scores below or at each."""
    ordered = np.sort(scores)
    return ordered, np.searchsorted(ordered, ordered, side="right") / len(ordered)


def _probit(rate: float) -> float:
    return NormalDist().inv_cdf(rate)


def _probits(rates: Scores, pairs: int) -> Scores:
    """Normal deviates, of each different rate once; 0 and 1 count as half a pair away."""
    different, places = np.unique(np.clip(rates, 0.5 / pairs, 1 - 0.5 / pairs), return_inverse=True)
    return np.array([_probit(float(rate)) for rate in different])[places]


def _thinned(x: Scores, y: Scores) -> Places:
    """Indices of at most some hundred points that keep a curve's look: evenly along its length, both ends kept."""
    if len(x) <= _MOST_POINTS:
        return np.arange(len(x))
    span_x, span_y = max(float(np.ptp(x)), 1e-12), max(float(np.ptp(y)), 1e-12)
    steps: Scores = np.abs(np.diff(x)) / span_x + np.abs(np.diff(y)) / span_y
    length = np.append(0.0, np.cumsum(steps))
    picked = length.searchsorted(np.linspace(0.0, float(length[-1]), _MOST_POINTS))
    return np.unique(np.append(picked, len(x) - 1).clip(max=len(x) - 1))
