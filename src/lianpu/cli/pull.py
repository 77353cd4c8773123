"""`lianpu models available|pull|remove`: the catalogue, downloads from it, and removing what is needed no more."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from lianpu.packs.catalogued import CataloguedPack
    from lianpu.packs.pull import Pulled
    from lianpu.settings import Settings

JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]


def available(as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None) -> None:
    """Packs that can be pulled, and under which terms. Asks no other machine."""
    answer = asyncio.run(_available(load_settings(home, config)))
    if as_json:
        typer.echo(json.dumps(answer["models"], ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Column, Table

    # Folded rather than cut short: names are there to be copied.
    table = Table(*(Column(header, overflow="fold") for header in ("pack", "for", "size", "licence", "")))
    for model in answer["models"]:
        licence, size = model["licence"], model["size_bytes"]
        table.add_row(
            f"{model['name']}@{model['version']}",
            model["family"],
            "" if size is None else f"{size / 1e6:.1f} MB",
            f"{licence['id']}\ncommercial use: {'yes' if licence['commercial'] else 'no'}",
            "installed" if model["installed"] else model["detail"] or "",
        )
    Console().print(table)


def pull(
    name: Annotated[str, typer.Argument(help="`name` or `name@version`, as `lianpu models available` lists them.")],
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="You accept the terms.")] = False,
    mirror: Annotated[
        list[str] | None, typer.Option(help="Base address tried first, as <mirror>/<file name>; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Download a pack of the catalogue, check it and install it. Broken off, it goes on where it ended.

    Works beside a running server, which finds the pack at once.
    """
    from lianpu.packs.catalogued import read_catalogue

    settings = load_settings(home, config)
    entry = read_catalogue(settings.packs.catalogue).find(name)
    pulled = _pull(settings, entry, mirror or [], accept_licence=accept_licence, quiet=as_json)
    manifest = pulled.pack.manifest
    if as_json:
        content = manifest.model_dump(mode="json", exclude_none=True) | {
            "folder": str(pulled.pack.folder),
            "downloaded_bytes": pulled.downloaded_bytes,
        }
        typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
        return
    commercial = "yes" if manifest.licence.commercial else "no"
    typer.echo(f"{entry.label} is installed ({manifest.licence.id}; commercial use: {commercial}).")
    if manifest.roles.embedder is not None:
        typer.echo(f"Use it: `lianpu gallery reembed {entry.label}`, then `lianpu models default {entry.label}`.")
    if manifest.roles.liveness is not None:
        typer.echo(f"Liveness: LIANPU_LIVENESS__MODE=observe or enforce, LIANPU_LIVENESS__PACK={entry.label}.")


def remove(
    name: Annotated[str, typer.Argument(help="`name`, or `name@version` where several versions are installed.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Although images of the gallery are embedded by it.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Delete an imported or pulled pack. Faces embedded by it stay stored and cannot be searched without it."""
    settings = load_settings(home, config)
    if not yes:
        typer.confirm(f"Delete pack {name}? Faces embedded by it cannot be searched without it.", abort=True)
    answer = asyncio.run(_remove(settings, name, force))
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{answer['name']}@{answer['version']} is removed.")


def _pull(
    settings: "Settings", entry: "CataloguedPack", mirrors: list[str], *, accept_licence: bool, quiet: bool
) -> "Pulled":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    from lianpu.packs.download import Downloads
    from lianpu.packs.pull import pull_pack
    from lianpu.runtime.onnx import OnnxSessionFactory

    runtime, packs = settings.runtime, settings.packs
    downloads = Downloads(
        settings.home / "cache" / "downloads", mirrors=[*mirrors, *packs.mirrors], allow_http=packs.allow_http
    )
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet) as bar:
        task = bar.add_task(entry.label, total=entry.size_bytes)
        return pull_pack(
            entry,
            settings.home / "packs",
            OnnxSessionFactory(providers=runtime.providers, threads=runtime.threads, spinning=runtime.spin),
            downloads,
            accept_licence=accept_licence,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
            is_cancelled=lambda: False,
        )


async def _available(settings: "Settings") -> dict[str, Any]:
    from lianpu.cli.client import answer_of, open_client

    async with open_client(settings, writes=False) as client:
        return answer_of(await client.get("/api/v1/models/available"))


async def _remove(settings: "Settings", name: str, force: bool) -> dict[str, Any]:
    from urllib.parse import quote

    from lianpu.cli.client import answer_of, open_client

    async with open_client(settings, writes=True) as client:
        return answer_of(await client.delete(f"/api/v1/models/{quote(name, safe='@')}", params={"force": force}))
