"""`lianpu openapi`: the API's description, for generating clients."""

import json
from pathlib import Path
from typing import Annotated

import typer


def openapi(
    output: Annotated[Path | None, typer.Option(help="Write to a file instead of standard output.")] = None,
) -> None:
    """Print the OpenAPI document."""
    from lianpu.api.app import create_app
    from lianpu.settings import default_settings

    text = json.dumps(create_app(default_settings(Path())).openapi(), ensure_ascii=False, indent=2) + "\n"
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
