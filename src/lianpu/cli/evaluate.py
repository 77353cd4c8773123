"""`lianpu evaluate SOURCE`: how well packs recognise, measured on labelled images."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from lianpu.engines.face.analyzer import FaceAnalyzer
    from lianpu.evaluation.datasets import DataSet
    from lianpu.evaluation.evaluating import PackEvaluation
    from lianpu.evaluation.extraction import Extraction
    from lianpu.evaluation.pairs import Sampling
    from lianpu.settings import Settings

REPORT = "report.json"
_MAX_FILES = 1_000_000
_MAX_FILE_BYTES = 64 << 20
_MAX_ARCHIVE_BYTES = 256 << 30
_MAX_RATIO = 200
_PROTOCOLS = ("lfw", "folder", "pairs")
_FACES = ("central", "largest")


@dataclass(frozen=True, slots=True)
class _Evaluated:
    """`report`: as it is written and printed."""

    data: "DataSet"
    packs: list["PackEvaluation"]
    report: dict[str, Any]


def evaluate(
    source: Annotated[Path, typer.Argument(help="Archive or folder: LFW with pairs.txt, a folder a person, or pairs.")],
    pack: Annotated[list[str] | None, typer.Option("--pack", help="Packs to measure; repeatable.")] = None,
    protocol: Annotated[str | None, typer.Option(help="lfw | folder | pairs; found out when left out.")] = None,
    pairs: Annotated[str | None, typer.Option(help="The table of pairs in SOURCE (CSV).")] = None,
    face: Annotated[str | None, typer.Option(help="central | largest: which of several faces; by protocol.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder to write the report and the plots into.")] = None,
    limit: Annotated[int | None, typer.Option(min=2, help="At most so many pairs, or persons of a folder.")] = None,
    max_pairs: Annotated[int, typer.Option(min=1, max=20_000_000, help="Of a folder, of each kind.")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, help="What is drawn depends on it.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Measure packs on labelled images: accuracy, error rates, identification.

    Works in this process on the packs of this home; the gallery is neither read nor changed.
    """
    for given, allowed, option in ((protocol, _PROTOCOLS, "--protocol"), (face, _FACES, "--face")):
        if given is not None and given not in allowed:
            raise typer.BadParameter(f"{given} is none of {', '.join(allowed)}", param_hint=option)
    from lianpu.evaluation.pairs import Sampling

    settings = load_settings(home, config)
    names = list(dict.fromkeys(pack or [settings.packs.default]))
    data = _load(source, protocol, pairs, face, Sampling(limit, max_pairs, seed))
    evaluated = _evaluate(settings, data, names)
    evaluated.report["measured_with"] |= {"limit": limit, "max_pairs": max_pairs, "seed": seed}
    if output is not None:
        _write(evaluated, output, settings)
    if as_json:
        typer.echo(json.dumps(evaluated.report, ensure_ascii=False, indent=2, allow_nan=False))
    else:
        _print(evaluated.report)


def _load(path: Path, protocol: str | None, table: str | None, face: str | None, sampling: "Sampling") -> "DataSet":
    from lianpu.evaluation.datasets import FaceChoice, Protocol, load_data_set
    from lianpu.evaluation.sources import open_source
    from lianpu.storage.archive import ArchiveLimits

    limits = ArchiveLimits(_MAX_FILES, _MAX_FILE_BYTES, _MAX_ARCHIVE_BYTES, _MAX_RATIO)
    data = load_data_set(open_source(path, limits), Protocol(protocol) if protocol else None, table, sampling)
    return data if face is None else replace(data, face_choice=FaceChoice(face))


def _evaluate(settings: "Settings", data: "DataSet", names: list[str]) -> _Evaluated:
    import lianpu
    from lianpu.evaluation import evaluating
    from lianpu.evaluation.report import report_of

    analyzers = _analyzers(settings, names)
    extraction = _extract(settings, data, analyzers)
    packs = [
        evaluating.evaluate(data, analyzer, extracted)
        for analyzer, extracted in zip(analyzers, extraction.packs, strict=True)
    ]
    measured_with = {
        "lianpu": lianpu.__version__,
        "detector_input_size": settings.packs.detector_input_size,
        "providers": {f"{one.pack_name}@{one.pack_version}": list(one.providers) for one in analyzers},
    }
    return _Evaluated(data, packs, report_of(data, packs, extraction.unreadable, measured_with))


def _analyzers(settings: "Settings", names: list[str]) -> list["FaceAnalyzer"]:
    import cv2

    from lianpu.bootstrap import sessions_of
    from lianpu.engines.face.analyzer import AnalyzerOptions, load_analyzer
    from lianpu.packs.registry import PackRegistry
    from lianpu.runtime.onnx import OnnxSessionFactory

    # Many images are worked on at once.
    cv2.setNumThreads(1)
    sessions = sessions_of(settings)
    translating = OnnxSessionFactory(providers=["cpu"])
    registry = PackRegistry(settings.home / "packs", settings.home / "cache" / "packs", translating)
    options = AnalyzerOptions(detector_input_size=settings.packs.detector_input_size)
    return [load_analyzer(registry.get(name), sessions, options) for name in names]


def _extract(settings: "Settings", data: "DataSet", analyzers: list["FaceAnalyzer"]) -> "Extraction":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from lianpu.engines.image import ImageLimits
    from lianpu.evaluation.extraction import extract
    from lianpu.runtime.providers import usable_cores

    limits = ImageLimits(max_pixels=settings.images.max_pixels, max_side_px=settings.images.max_side_px)
    columns = (TextColumn("images"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("images", total=len(data.images))
        workers = settings.runtime.workers or usable_cores()
        return extract(data, analyzers, limits, workers=workers, advance=lambda: progress.advance(task))


def _write(evaluated: _Evaluated, folder: Path, settings: "Settings") -> None:
    from lianpu.evaluation.plots import Plots
    from lianpu.evaluation.report import draw_plots

    plots = draw_plots(Plots(settings.home / "cache" / "matplotlib"), evaluated.data, evaluated.packs)
    report = json.dumps(evaluated.report, ensure_ascii=False, indent=2, allow_nan=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REPORT).write_text(report + "\n", encoding="utf-8")
        for stem, plot in plots.items():
            (folder / f"{stem}.png").write_bytes(plot.png)
            (folder / f"{stem}.svg").write_bytes(plot.svg)
    except OSError as error:
        typer.echo(f"{folder} cannot be written: {error.strerror or error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Written to {folder}: {REPORT}, {', '.join(f'{stem}.png and .svg' for stem in plots)}.", err=True)


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    typer.echo(
        f"{report['images']} images of {report['persons']} persons, "
        f"{report['genuine_pairs']} genuine and {report['impostor_pairs']} impostor pairs"
    )
    if report["unreadable"]:
        name, reason = next(iter(report["unreadable"].items()))
        typer.echo(f"{len(report['unreadable'])} images cannot be read, such as {name}: {reason}")
    table = Table("", *(f"{pack['pack']}@{pack['version']}" for pack in report["packs"]))
    for label, values in _rows(report["packs"]):
        table.add_row(label, *values)
    Console().print(table)


def _rows(packs: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Label and one text a pack; rows that say nothing of any pack are left out."""
    rows = [("images without a face", [f"{len(p['images_without_face'])} ({p['miss_rate']:.2%})" for p in packs])]
    if any(pack["folds"] for pack in packs):
        for label, key in (("cross-validated accuracy", "folds"), ("  misses as errors", "folds_misses_as_errors")):
            rows.append((label, [f"{p[key]['accuracy']:.2%} ± {p[key]['std']:.2%}" if p[key] else "" for p in packs]))
    best = [pack["best_threshold"] for pack in packs]
    rows.append(("accuracy at the best threshold", [f"{b['accuracy']:.2%}, {_text(b)}" for b in best]))
    rows.append(("  misses as errors", [f"{b['accuracy_misses_as_errors']:.2%}" for b in best]))
    rows.append(("equal error rate", [f"{pack['equal_error_rate']['rate']:.2%}" for pack in packs]))
    rows.append(("area under the ROC", [f"{pack['auc']:.5f}" for pack in packs]))
    for place, tar in enumerate(packs[0]["tar_at_far"]):
        tars = [pack["tar_at_far"][place] for pack in packs]
        rows.append((f"TAR at FAR {tar['far']:g}", [_tar_text(tar) for tar in tars]))
    for place, rank in enumerate(packs[0]["identification"]):
        ranks = [pack["identification"][place : place + 1] for pack in packs]
        texts = [
            f"{r[0]['rate']:.2%} (misses as errors {r[0]['rate_misses_as_errors']:.2%})" if r else "" for r in ranks
        ]
        rows.append((f"identified at rank {rank['rank']}", texts))
    own = [pack["recommended_threshold"] for pack in packs]
    rows.append(("at the pack's own threshold", [_text(o) for o in own]))
    rows.append(("  false matches", [f"{o['fmr']:.3%}" for o in own]))
    rows.append(("  false non-matches", [f"{o['fnmr']:.2%}" for o in own]))
    return rows


def _text(threshold: dict[str, Any]) -> str:
    raw = "" if threshold["raw"] is None else f" (raw {threshold['raw']:.3f})"
    return f"score {threshold['score']:.3f}{raw}"


def _tar_text(tar: dict[str, Any]) -> str:
    if tar["tar"] is None:
        return "too few pairs"
    low, high = tar["tar_interval"]
    return f"{tar['tar']:.2%} ({low:.2%} to {high:.2%})"
