"""`lianpu gallery reembed|shadow`: the gallery as a whole; commands of other files join the group here."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

app = typer.Typer(help="The gallery as a whole: its packs, its state, its transfer.", no_args_is_help=True)
shadow_app = typer.Typer(help="Try a pack beside the active one, on the searches that come in.", no_args_is_help=True)
app.add_typer(shadow_app, name="shadow")

PackArgument = Annotated[str, typer.Argument(help="`name` or `name@version`.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]


@app.command()
def reembed(
    pack: PackArgument,
    wait: Annotated[bool, typer.Option(help="Wait for the end; without a server it is always done here.")] = True,
    retry_failed: Annotated[bool, typer.Option(help="Try images again in which the pack found no face.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a pack's missing embeddings of all stored images."""
    from lianpu.cli.home_lock import server_address
    from lianpu.cli.jobs import follow

    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client

        async with open_client(settings, writes=True) as client:
            body = {"pack": pack, "retry_failed": retry_failed}
            job: dict[str, Any] = answer_of(await client.post("/api/v1/gallery/reembed", json=body))["job"]
            # In this process the job would end with the command.
            if wait or server_address(settings.home) is None:
                job = await follow(client, job["job_id"], quiet=as_json)
            return job

    job = asyncio.run(call())
    if as_json:
        _print_json(job)
        return
    result = job["result"]
    if result is None:
        typer.echo(f"Job {job['job_id']} is under way: `lianpu jobs wait {job['job_id']}`.")
        return
    typer.echo(
        f"{result['pack']}@{result['pack_version']}: {result['embedded']} embedded, {result['failed']} failed, "
        f"{result['images_per_s']} images/s."
    )
    for failure in result["failures"]:
        typer.echo(f"  person {failure['person_id']}, image {failure['image_id']}: {failure['reason']}")


@shadow_app.command("on")
def shadow_on(
    pack: PackArgument,
    sample_rate: Annotated[float, typer.Option(min=0.001, max=1, help="Part of the searches to repeat.")] = 1.0,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Answer searches with the active pack as ever, and repeat them with this one behind."""
    body = {"pack": pack, "sample_rate": sample_rate}
    shadow = _call(home, config, "PUT", "/shadow", body=body, writes=True)["shadow"]
    typer.echo(f"{shadow['pack']}@{shadow['pack_version']} runs in the shadow of {shadow['active_pack']}.")
    typer.echo(shadow["advice"])


@shadow_app.command("off")
def shadow_off(home: HomeOption = None, config: ConfigOption = None) -> None:
    """End it; what was counted is forgotten."""
    shadow = _call(home, config, "DELETE", "/shadow", writes=True)["shadow"]
    if shadow is None:
        typer.echo("No pack runs in the shadow.")
    else:
        _print_shadow(shadow)


@shadow_app.command("report")
def shadow_report(as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None) -> None:
    """How often the two packs agree, where they do not, and what to do."""
    shadow = _call(home, config, "GET", "/shadow", writes=False)["shadow"]
    if as_json:
        _print_json(shadow)
    elif shadow is None:
        typer.echo("No pack runs in the shadow.")
    else:
        _print_shadow(shadow)


def _call(
    home: Path | None,
    config: Path | None,
    method: str,
    path: str,
    *,
    body: dict[str, Any] | None = None,
    writes: bool,
) -> dict[str, Any]:
    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client

        async with open_client(settings, writes=writes) as client:
            return answer_of(await client.request(method, f"/api/v1/gallery{path}", json=body))

    return asyncio.run(call())


def _print_shadow(shadow: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("faces", "count", title=f"{shadow['pack']}@{shadow['pack_version']} beside {shadow['active_pack']}")
    for kind, count in shadow["counts"].items():
        table.add_row(kind.replace("_", " "), str(count))
    Console().print(table)
    if shadow["agreement"] is not None:
        low, high = shadow["agreement_interval"]
        typer.echo(f"agreement {shadow['agreement']:.2%} (95 %: {low:.2%} to {high:.2%})")
    for name, latency in shadow["latency_ms"].items():
        if latency is not None:
            typer.echo(f"{name}: p50 {latency['p50']:.0f} ms, p95 {latency['p95']:.0f} ms")
    typer.echo(shadow["advice"])


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
