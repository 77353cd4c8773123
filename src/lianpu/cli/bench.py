"""`lianpu bench`: what this machine does in a second, with this home's packs and settings."""

import asyncio
import json
from typing import Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

PATH = "/api/v1/capacity"
LABELS = {
    "faces": "decoded, detected and embedded",
    "faces_alone": "the same, one after another",
    "searches": "in the gallery as it is",
    "searches_large": "in a made-up gallery",
    "streams": "720p at 25 fps, detecting every 3rd frame",
    "enhancements": "a 1-megapixel portrait at level 2",
}

REASONS = {
    "gallery_empty": "the gallery holds no face of this pack yet",
    "no_face_found": "the pack finds no face in the portrait that is measured on",
}
NO_REFERENCE = {
    "not_installed": "it is not installed",
    "other_networks": "it runs SCRFD and ArcFace networks, and the pack has others",
    "failed": "it does not run; the log says why",
}


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Each figure for a moment only: a look, no promise.")] = False,
    tune: Annotated[
        bool, typer.Option("--tune", help="First find out which runtime is the fastest for each network, and keep it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Measure this machine's capacity: faces and searches a second, streams, enhancements a minute.

    All cores are busy for about a minute. The report is kept, and the console's page Capacity shows it.
    """

    async def call() -> tuple[dict[str, Any], int]:
        from lianpu.cli.client import answer_of, open_client
        from lianpu.cli.jobs import follow

        async with open_client(load_settings(home, config), writes=True) as client:
            started = answer_of(await client.post(PATH, json={"quick": quick, "tune": tune}))["job"]
            job = await follow(client, started["job_id"], quiet=as_json)
            return answer_of(await client.get(PATH))["capacity"], job["result"]["networks_tuned"]

    report, networks_tuned = asyncio.run(call())
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return
    _print(report)
    if tune and networks_tuned:
        typer.echo(f"The fastest runtime of each of {networks_tuned} networks is kept for all that load from now on.")
    elif tune:
        typer.echo("There is nothing to choose from: only one runtime may run this home's networks.")


def _print(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    machine, settings = report["machine"], report["settings"]
    typer.echo(
        f"{machine['host']}: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_bytes'] / 2**30:.0f} GiB, {machine['system']}; pack {settings['pack']} on "
        f"{settings['provider']}, {settings['threads']} threads, {settings['workers']} at once"
    )
    if settings["cpu_reason"] is not None:
        typer.echo(settings["cpu_reason"])
    table = Table.grid(Column(justify="right", no_wrap=True), Column(no_wrap=True), Column(), padding=(0, 2))
    for figure in report["figures"]:
        value = "–" if figure["value"] is None else f"{figure['value']:,.1f}"
        table.add_row(value, figure["unit"], f"{LABELS[figure['name']]}: {_facts(figure)}")
    Console().print(table, highlight=False)
    typer.echo(_reference(report))
    if report["is_busy"]:
        typer.echo(f"The machine was {report['busy_share']:.0%} busy with something else: an idle one does more.")
    if report["is_quick"]:
        typer.echo("Each figure was measured for a moment only: leave out --quick for figures to go by.")


def _facts(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return REASONS.get(figure["reason"]) or figure["detail"]
    facts: list[str] = []
    if figure["rows"] is not None:
        facts.append(f"{figure['rows']:,} embeddings")
    if figure["in_flight"] is not None and figure["in_flight"] > 1:
        facts.append(f"{figure['in_flight']} at once")
    facts.extend(figure["engines"])
    if figure["is_derived"]:
        facts.append("worked out from what one costs, a third of the cores kept free")
    facts.append(f"measured for {figure['measured_s']:.1f} s")
    return ", ".join(facts)


def _reference(report: dict[str, Any]) -> str:
    reference = report["reference"]
    if reference is None:
        return f"No ratio to insightface: {NO_REFERENCE[report['no_reference']]}."
    return (
        f"{reference['ratio']:.1f} times insightface {reference['version']} on the same weights: "
        f"{reference['ours_per_s']:.1f} against {reference['theirs_per_s']:.1f} images/s, "
        f"{reference['in_flight']} at once"
    )
