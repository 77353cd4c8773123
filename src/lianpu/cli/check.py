"""`lianpu gallery check`: whether database, files and indexes agree."""

import asyncio
import json
from typing import Annotated, Any

import typer

from lianpu.cli.gallery import JsonOption
from lianpu.cli.options import ConfigOption, HomeOption, load_settings


def check(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended without losing anything.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Compare the sizes of photos and read none.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Prove that database, files and indexes agree. Exit status 1 when something remains that does not."""

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client
        from lianpu.cli.jobs import follow

        async with open_client(load_settings(home, config), writes=True) as client:
            answer = await client.post("/api/v1/gallery/check", json={"repair": repair, "quick": quick})
            return (await follow(client, answer_of(answer)["job"]["job_id"], quiet=as_json))["result"]

    result = asyncio.run(call())
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        _print(result)
    if result["remaining"]:
        raise typer.Exit(1)


def _print(result: dict[str, Any]) -> None:
    looked_at = ", ".join(f"{count} {name}" for name, count in result["looked_at"].items())
    typer.echo(f"looked at {looked_at}")
    for finding in result["findings"]:
        repaired = " (repaired)" if finding["repaired"] else ""
        typer.echo(f"{finding['problem']}: {finding['subject']}: {finding['message']}{repaired}")
    if result["is_clean"]:
        typer.echo("database, files and indexes agree")
    else:
        typer.echo(f"{result['found']} findings, {result['repaired']} repaired, {result['remaining']} remain")
