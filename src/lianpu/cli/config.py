"""`lianpu config show|check|schema`: what the settings are and where each comes from."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

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
    from rich.markup import escape
    from rich.table import Table

    from lianpu.settings import load_settings

    explained = load_settings(overrides_of(home), config=config).explain()
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in explained], ensure_ascii=False, indent=2))
        return
    table = Table("setting", "value", "source")
    for item in explained:
        table.add_row(item.key, escape(json.dumps(item.value, ensure_ascii=False)), escape(item.source))
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


@app.command()
def schema() -> None:
    """JSON schema of lianpu.yaml: no key is required, each tells its default."""
    from lianpu.settings import Settings, default_settings

    document = Settings.model_json_schema()
    defaults = default_settings(Path("home")).model_dump(mode="json")
    # The home differs from one machine to the next.
    del defaults["home"]
    _tell_defaults(document, document, defaults)
    typer.echo(json.dumps(document, ensure_ascii=False, indent=2))


def _tell_defaults(document: dict[str, Any], section: dict[str, Any], defaults: dict[str, Any]) -> None:
    """In place: of this section and those inside it."""
    section.pop("required", None)
    for key, value in defaults.items():
        place = section["properties"][key]
        inner = document["$defs"].get(place.get("$ref", "").rpartition("/")[2], {})
        if "properties" in inner:
            _tell_defaults(document, inner, value)
        else:
            place["default"] = value
