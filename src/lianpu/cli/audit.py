"""`lianpu audit list|verify|export`: who did what, the proof that nothing was changed, and a copy to keep elsewhere."""

import asyncio
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

app = typer.Typer(help="The audit log: who did what to whom, and when.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
AUDIT = "/api/v1/audit"
EXPORT_CHUNK = 50_000


@app.command("list")
def list_events(
    actor: Annotated[str | None, typer.Option(help="Only what this user did: id, or name.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, such as face.search.")] = None,
    target: Annotated[str | None, typer.Option(help="Only what was done to this person, job, user …: its id.")] = None,
    since: Annotated[str | None, typer.Option(help="ISO 8601, such as 2026-05-01T00:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="The same; exclusive.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """The newest events; with `--json` in full."""
    wanted = {"actor": actor, "action": action, "target": target, "since": since, "until": until, "limit": limit}
    events = _get(home, config, "", {name: value for name, value in wanted.items() if value is not None})["events"]
    if as_json:
        typer.echo(json.dumps(events, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    table = Table("event", Column("at", no_wrap=True), "who", "action", "outcome", "to what", "from")
    for event in events:
        who = event["actor"]["name"] or event["actor"]["kind"]
        cells = (event["at"][:19], who, event["action"], event["outcome"], event["target"] or "", event["client"])
        table.add_row(str(event["sequence"]), *(Text(cell) for cell in cells))
    Console().print(table)


@app.command()
def verify(
    expect_head: Annotated[
        str | None, typer.Option(help="A hash that was noted down before: it must be in the log.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Prove that no event was changed, removed or put in. Exit status 1 when one was."""
    verdict = _get(home, config, "/verify", {} if expect_head is None else {"expect_head": expect_head})
    if as_json:
        typer.echo(json.dumps(verdict, ensure_ascii=False, indent=2))
    elif verdict["ok"]:
        typer.echo(f"{verdict['events']} events, none changed, none missing.")
        typer.echo(f"head {verdict['head_hash']}")
    else:
        where = "" if verdict["first_broken"] is None else f"event {verdict['first_broken']} is wrong. "
        typer.echo(f"The log is broken: {where}{verdict['explanation']}", err=True)
        typer.echo(
            f"{verdict['events']} events before are proved; the last of them has {verdict['head_hash']}", err=True
        )
    if not verdict["ok"]:
        raise typer.Exit(1)


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="A file that does not exist yet; else standard output.")] = None,
    after: Annotated[int, typer.Option(min=0, help="Only events after this one.")] = 0,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """All events with their hashes as JSON lines, oldest first."""
    settings = load_settings(home, config)

    async def call(output: TextIO) -> int:
        from lianpu.cli.client import answer_of, open_client

        last = after
        async with open_client(settings, writes=False) as client:
            while True:
                response = await client.get(f"{AUDIT}/export", params={"after": last, "limit": EXPORT_CHUNK})
                if response.is_error:
                    answer_of(response)
                lines = response.text.splitlines()
                output.writelines(f"{line}\n" for line in lines)
                if lines:
                    last = json.loads(lines[-1])["sequence"]
                if len(lines) < EXPORT_CHUNK:
                    return last

    try:
        opened = nullcontext(sys.stdout) if file is None else file.open("x", encoding="utf-8")
    except OSError as error:
        typer.echo(f"{file} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(1) from error
    with opened as output:
        last = asyncio.run(call(output))
    typer.echo(f"up to event {last}", err=True)


def _get(home: Path | None, config: Path | None, path: str, parameters: dict[str, Any]) -> dict[str, Any]:
    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client

        async with open_client(settings, writes=False) as client:
            return answer_of(await client.get(f"{AUDIT}{path}", params=parameters))

    return asyncio.run(call())
