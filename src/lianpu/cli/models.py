"""`lianpu models list|import|verify`: the packs of this installation."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianpu.cli.default_pack import active_pack, is_active
from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from lianpu.packs.manifest import Licence, Pack
    from lianpu.packs.registry import PackRegistry, PackStatus
    from lianpu.runtime.session import SessionFactory
    from lianpu.settings import Settings

app = typer.Typer(help="Packs: the weights that find and recognise faces.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What every command of this group works on."""

    settings: "Settings"
    sessions: "SessionFactory"
    registry: "PackRegistry"


@app.command("list")
def list_packs(as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None) -> None:
    """Every pack: embedded and imported, usable or not."""
    shelf = _open(home, config)
    statuses = shelf.registry.list()
    active = active_pack(shelf.settings)
    if as_json:
        _print_json(
            [_described(status) | {"default": is_active(active, status.name, status.version)} for status in statuses]
        )
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("pack", "state", "size", "licence", "threshold")
    for status in statuses:
        manifest = status.manifest
        embedder = manifest.roles.embedder if manifest else None
        default = "\n(default)" if is_active(active, status.name, status.version) else ""
        table.add_row(
            f"{status.name}@{status.version}{default}",
            status.state.value,
            f"{status.size_bytes / 1e6:.1f} MB" if manifest else "",
            f"{manifest.licence.id}\ncommercial use: {_commercial(manifest.licence)}" if manifest else "",
            f"{embedder.metric} {embedder.threshold:g}" if embedder else "",
        )
    Console().print(table)
    for status in statuses:
        if status.detail:
            typer.echo(f"{status.name}@{status.version}: {status.detail}")


@app.command("import")
def import_(
    source: Annotated[
        Path | None,
        typer.Argument(help="Folder, zip archive or ONNX file; none when options name the files."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the new pack.")] = None,
    version: Annotated[str | None, typer.Option(help="Version of the new pack.")] = None,
    detector: Annotated[str | None, typer.Option(help="The detector's file, in SOURCE or anywhere.")] = None,
    embedder: Annotated[str | None, typer.Option(help="The embedder's file, in SOURCE or anywhere.")] = None,
    liveness: Annotated[
        list[str] | None, typer.Option(help="A liveness network's file, in SOURCE or anywhere; may be repeated.")
    ] = None,
    licence: Annotated[str | None, typer.Option(help="SPDX id of weights of unknown origin.")] = None,
    accept_licence: Annotated[bool, typer.Option("--accept-licence", help="You accept the terms.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Install a pack: one with a pack.toml, an InsightFace pack, or plain ONNX files.

    Every network is loaded and run once before anything is installed.
    """
    from lianpu.packs.install import import_pack

    if source is None and not (detector and embedder) and not liveness:
        raise typer.BadParameter("Name a SOURCE, both --detector FILE and --embedder FILE, or --liveness FILE.")
    shelf = _open(home, config)
    pack = import_pack(
        source,
        shelf.registry.packs_dir,
        shelf.sessions,
        name=name,
        version=version,
        detector=detector,
        embedder=embedder,
        liveness=liveness or (),
        accept_licence=accept_licence,
        licence=licence,
    )
    if as_json:
        _print_json(_summary(pack))
        return
    terms = pack.manifest.licence
    typer.echo(f"{_label(pack)} is installed ({terms.id}; commercial use: {_commercial(terms)}).")
    typer.echo(pack.manifest.summary)
    if pack.manifest.roles.embedder is not None:
        typer.echo(f"Use it: `lianpu gallery reembed {_label(pack)}`, then `lianpu models default {_label(pack)}`.")
    if pack.manifest.family == "swap":
        typer.echo("See whether it can swap: `lianpu engines check inswapper`.")
    if pack.manifest.roles.liveness is not None:
        typer.echo(f"Liveness: LIANPU_LIVENESS__MODE=observe or enforce, LIANPU_LIVENESS__PACK={pack.name}.")


@app.command()
def verify(
    name: Annotated[str | None, typer.Argument(help="`name` or `name@version`; all packs where none is named.")] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Read every file of a pack in full, then load and run its networks. Exit status 1 when something is wrong."""
    from lianpu.packs.registry import PackState

    shelf = _open(home, config)
    if name is None:
        passed_over = {PackState.INCOMPLETE}
        named = [
            f"{status.name}@{status.version}"
            for status in shelf.registry.list()
            if not (status.embedded and status.state in passed_over)
        ]
    else:
        named = [name]
    found = {pack: _problems(shelf, pack) for pack in named}
    if as_json:
        _print_json([{"pack": pack, "ok": not problems, "problems": problems} for pack, problems in found.items()])
    else:
        for pack, problems in found.items():
            typer.echo(f"{pack}: {'ok' if not problems else 'not ok'}")
            for problem in problems:
                typer.echo(f"  {problem}")
    if any(found.values()):
        raise typer.Exit(1)


def _open(home: Path | None, config: Path | None) -> _Shelf:
    from lianpu.bootstrap import sessions_of
    from lianpu.packs.registry import PackRegistry

    settings = load_settings(home, config)
    sessions = sessions_of(settings)
    return _Shelf(
        settings, sessions, PackRegistry(settings.home / "packs", settings.home / "cache" / "packs", sessions)
    )


def _problems(shelf: _Shelf, named: str) -> list[str]:
    from lianpu.errors import PackDamagedError, PackIncompleteError
    from lianpu.packs.verify import verify_pack

    try:
        return verify_pack(shelf.registry.get(named), shelf.sessions)
    except (PackDamagedError, PackIncompleteError) as error:
        return [error.detail, *(f"{field.field}: {field.message}" for field in error.errors)]


def _described(status: "PackStatus") -> dict[str, Any]:
    manifest = status.manifest
    embedder = manifest.roles.embedder if manifest else None
    return {
        "name": status.name,
        "version": status.version,
        "state": status.state.value,
        "detail": status.detail,
        "embedded": status.embedded,
        "size_bytes": status.size_bytes,
        "folder": str(status.folder) if status.folder else None,
        "licence": manifest.licence.model_dump() if manifest else None,
        "metric": embedder.metric.value if embedder else None,
        "threshold": embedder.threshold if embedder else None,
    }


def _summary(pack: "Pack") -> dict[str, Any]:
    return pack.manifest.model_dump(mode="json", exclude_none=True) | {"folder": str(pack.folder)}


def _label(pack: "Pack") -> str:
    return f"{pack.name}@{pack.version}"


def _commercial(licence: "Licence") -> str:
    return "yes" if licence.commercial else "no"


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
