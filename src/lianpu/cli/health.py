"""`lianpu gallery health`: what is wrong with the persons and images in the gallery, and mending it."""

import asyncio
import json
from typing import Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

FINDINGS = "/api/v1/gallery/health/findings"


def health(
    pack: Annotated[str | None, typer.Option(help="`name` or `name@version`; the default pack when left out.")] = None,
    last: Annotated[bool, typer.Option("--last", help="Show the latest report instead of making one.")] = False,
    apply: Annotated[
        str | None, typer.Option(help="Mend a finding of the latest report: FINDING_ID=ACTION, both as listed.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Find images in the wrong place, persons enrolled twice, look-alikes and poor images."""
    settings = load_settings(home, config)
    if apply is not None and "=" not in apply:
        raise typer.BadParameter("Name the finding and the action: --apply FINDING_ID=ACTION.")

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client
        from lianpu.cli.jobs import follow

        async with open_client(settings, writes=not last or apply is not None) as client:
            if apply is not None:
                finding_id, _, action = apply.partition("=")
                body = {"action": action}
                answer_of(await client.post(f"{FINDINGS}/{finding_id}/apply", json=body))
            elif not last:
                wanted = {} if pack is None else {"pack": pack}
                started = answer_of(await client.post("/api/v1/gallery/health", json=wanted))["job"]
                await follow(client, started["job_id"], quiet=as_json)
            return answer_of(await client.get("/api/v1/gallery/health"))

    answer = asyncio.run(call())
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        _print(answer)


def _print(answer: dict[str, Any]) -> None:
    report = answer["report"]
    compared = report["compared_people"]
    sampled = "" if compared == report["people"] else f" ({compared} of them compared with all)"
    typer.echo(f"{report['people']} people{sampled}, {report['images']} images by {report['pack']}.")
    if not report["findings"]:
        typer.echo("Nothing is wrong.")
    for finding in report["findings"]:
        typer.echo(f"\n[{finding['severity']}] {finding['kind'].replace('_', ' ')}  {finding['finding_id']}")
        typer.echo(f"  {finding['explanation']}")
        for action in finding["actions"]:
            typer.echo(f"  {action['action']}: {action['label']}")
    if answer["dismissed"]:
        typer.echo(f"\n{answer['dismissed']} finding(s) were dismissed.")
