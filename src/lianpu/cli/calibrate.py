"""`lianpu calibrate`: what each threshold means for the people in this gallery."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    import httpx2

LOOK_ALIKES_SHOWN = 10


def calibrate(
    pack: Annotated[str | None, typer.Option(help="`name` or `name@version`; the default pack when left out.")] = None,
    fmr: Annotated[float | None, typer.Option(help="Wanted false-match rate, such as 1e-4.")] = None,
    wrong_searches: Annotated[
        float | None, typer.Option(help="Instead: of 1,000 searches for strangers, so many may name somebody.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    output: Annotated[Path | None, typer.Option(help="Folder to write the plots and the report into.")] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Set the proposed threshold for this gallery.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Propose a threshold from your own people's scores against one another, and say what it promises."""
    settings = load_settings(home, config)
    wish = {"pack": pack, "wanted_fmr": fmr, "expected_false_matches": wrong_searches, "confidence": confidence}
    body = {name: value for name, value in wish.items() if value is not None}

    async def call() -> tuple[dict[str, Any], dict[str, bytes]]:
        from lianpu.cli.client import answer_of, open_client
        from lianpu.cli.jobs import follow

        async with open_client(settings, writes=True) as client:
            started = answer_of(await client.post("/api/v1/gallery/calibrate", json=body))["job"]
            job = await follow(client, started["job_id"], quiet=as_json)
            report: dict[str, Any] = job["result"]
            plots = {} if output is None else await _plots(client, started["job_id"], report["plots"])
            if apply:
                name = f"{report['pack']}@{report['pack_version']}"
                threshold = {"threshold": min(1.0, report["proposed"]["threshold"])}
                answer_of(await client.put(f"/api/v1/models/{name}/threshold", json=threshold))
            return report, plots

    report, plots = asyncio.run(call())
    if output is not None:
        _write(report, plots, output)
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return
    _print(report)
    if apply:
        typer.echo(f"The gallery's threshold of {report['pack']} is now {report['proposed']['threshold']:.4f}.")
    if output is not None:
        typer.echo(f"Written to {output}: calibration.json, {', '.join(report['plots'])}.")


async def _plots(client: "httpx2.AsyncClient", job_id: str, names: list[str]) -> dict[str, bytes]:
    from lianpu.cli.client import answer_of

    plots: dict[str, bytes] = {}
    for name in names:
        response = await client.get(f"/api/v1/gallery/calibrate/{job_id}/plots/{name}")
        if response.is_error:
            answer_of(response)
        plots[name] = response.content
    return plots


def _write(report: dict[str, Any], plots: dict[str, bytes], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "calibration.json").write_text(json.dumps(report, ensure_ascii=False, indent=2), encoding="utf-8")
    for name, content in plots.items():
        (folder / name).write_bytes(content)


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    people = f"{report['people']} people, {report['images']} images"
    if report["sampled"] is not None:
        people += f"; {report['sampled']['people']} of them, drawn at random, were compared with all"
    typer.echo(f"{report['pack']}@{report['pack_version']}: {people}.")
    share = f"{report['confidence']:.0%}"
    table = Table("threshold", "score", "raw", "false-match rate", share, "wrong of 1,000", "seen", "missed")
    for row in report["thresholds"]:
        name = row["kind"] if row["wanted_fmr"] is None else f"{row['kind']} {row['wanted_fmr']:g}"
        low, high = row["fmr_interval"].values()
        table.add_row(
            name,
            f"{row['threshold']:.4f}",
            "∞" if row["raw_threshold"] is None else f"{row['raw_threshold']:.4f}",
            f"{row['fmr']:.2g}",
            f"{low:.1g} to {high:.1g}",
            f"{row['wrong_searches_per_1000']:.3g}",
            f"{1000 * row['measured_search']['rate']:.3g}",
            "" if row["fnmr"] is None else f"{row['fnmr']['rate']:.2%}",
            style="bold" if row["kind"] == "proposed" else None,
        )
    console.print(table)
    typer.echo(report["advice"])
    for pair in report["look_alikes"][:LOOK_ALIKES_SHOWN]:
        first, second = pair["names"]
        ids = " and ".join(pair["person_ids"])
        typer.echo(
            f"look alike: {first} and {second} ({ids}), score {pair['score']:.3f}; an own threshold of "
            f"{pair['suggested_threshold']:.3f} keeps them apart"
        )
