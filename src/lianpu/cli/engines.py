"""`lianpu engines list|check`: the face-swap engines of this installation, and what they lack."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from lianpu.engines.swap.engine import SwapEngines
    from lianpu.engines.swap.swapper import EngineReport
    from lianpu.settings import Settings

app = typer.Typer(help="Face-swap engines: built in, or installed beside Lianpu.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
EXIT_CODES = {
    "ready": 0,
    "broken": 1,
    "degraded": 3,
    "not_installed": 4,
    "model_missing": 5,
    "provider_missing": 6,
}
"""What `check` ends with."""


@app.command("list")
def list_engines(as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None) -> None:
    """Every engine and what it can do; nothing is checked."""
    listed = open_engines(load_settings(home, config)).list()
    if as_json:
        content = [
            {"name": engine.name, "problem": engine.problem}
            | (
                {}
                if engine.capabilities is None
                else asdict(engine.capabilities) | {"kinds": sorted(engine.capabilities.kinds)}
            )
            for engine in listed
        ]
        typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("engine", "kinds", "runs", "licence", "commercial use")
    for engine in listed:
        able = engine.capabilities
        if able is None:
            table.add_row(engine.name, "", "", engine.problem or "", "")
            continue
        where = "in a process of its own" if able.is_external else "in Lianpu"
        weights = ", needs weights" if able.needs_weights else ""
        table.add_row(
            engine.name,
            ", ".join(sorted(able.kinds)),
            where + weights,
            able.licence,
            "yes" if able.commercial else "no",
        )
    Console().print(table)
    typer.echo("`lianpu engines check NAME` says whether one is ready.")


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="The engine, such as landmark or facefusion.")],
    deep: Annotated[bool, typer.Option("--deep", help="Read the models whole, and swap an example.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Look at an engine and say what is missing.

    Exit status 0 ready, 3 degraded, 4 not installed, 5 model missing, 6 provider missing, 1 broken. No network is used.
    """
    report = open_engines(load_settings(home, config)).check(name, deep=deep)
    if as_json:
        typer.echo(json.dumps(asdict(report), ensure_ascii=False, indent=2))
    else:
        _print(report)
    raise typer.Exit(EXIT_CODES[report.readiness])


def open_engines(settings: "Settings") -> "SwapEngines":
    """The engines as the server of this home would have them."""
    from lianpu.bootstrap import sessions_of, swap_engines_of
    from lianpu.cli.default_pack import active_pack
    from lianpu.gallery.analyzers import Analyzers
    from lianpu.packs.registry import PackRegistry

    sessions = sessions_of(settings)
    registry = PackRegistry(settings.home / "packs", settings.home / "cache" / "packs", sessions)
    return swap_engines_of(settings, registry, sessions, Analyzers(registry, sessions, active_pack(settings)).get)


def _print(report: "EngineReport") -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    version = f" {report.version}" if report.version else ""
    provider = f", on {report.provider}" if report.provider else ""
    console.print(f"[bold]{report.engine}[/]{escape(version)}: {report.readiness.replace('_', ' ')}{provider}")
    for finding in report.findings:
        mark = "[green]✓[/]" if finding.is_ok else "[red]✗[/]"
        console.print(f"{mark} [bold]{escape(finding.name)}[/] {escape(finding.detail)}", highlight=False)
        if finding.advice and not finding.is_ok:
            console.print(f"  {escape(finding.advice)}", highlight=False)


def configured_and_not_ready(home_settings: "Settings") -> list[tuple[str, bool, str]]:
    """Of the engines that `integrations.toml` sets up: name, whether it is ready, and the first thing it lacks."""
    from lianpu.engines.swap.integrations import INTEGRATIONS_FILE, read_integrations
    from lianpu.errors import IntegrationsInvalidError

    path: Path = home_settings.engines.integrations or home_settings.home / INTEGRATIONS_FILE
    try:
        integrations = read_integrations(path)
    except IntegrationsInvalidError as error:
        return [("integrations", False, error.detail)]
    engines = open_engines(home_settings)
    found: list[tuple[str, bool, str]] = []
    for name in engines.names():
        if integrations.of(name) is None:
            continue
        report = engines.check(name)
        wrong = next((finding for finding in report.findings if not finding.is_ok), None)
        told = "" if wrong is None else f": {wrong.name}: {wrong.detail}"
        found.append((name, report.readiness == "ready", f"{report.readiness.replace('_', ' ')}{told}"))
    return found
