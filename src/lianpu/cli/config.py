"""`lianpu config show|check`: what the settings are and where each comes from."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lianpu.cli.options import ConfigOption, HomeOption, overrides_of

app = typer.Typer(help="Settings: what they are and where they come from.", no_args_is_help=True)


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Every setting, its value and the source that decided it; secrets are masked."""
    from rich.console import Console
    from rich.table import Table

    from lianpu.settings import load_settings

    explained = load_settings(overrides_of(home), config=config).explain()
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in explained], ensure_ascii=False, indent=2))
        return
    table = Table("setting", "value", "source")
    for item in explained:
        table.add_row(item.key, json.dumps(item.value, ensure_ascii=False), item.source)
    Console().print(table)


@app.command()
def check(home: HomeOption = None, config: ConfigOption = None) -> None:
    """Check all sources. Exit status 2 and one line a problem when something is wrong."""
    from lianpu.settings import ini_hint, load_settings

    layers = load_settings(overrides_of(home), config=config).layers
    used = ", ".join(layer.source for layer in layers if layer.values)
    typer.echo(f"settings are valid (read: {used})")
    file_read = any(Path(layer.source).is_absolute() for layer in layers)
    hint = "" if file_read else ini_hint(Path.cwd())
    if hint:
        typer.echo(hint.strip(), err=True)
