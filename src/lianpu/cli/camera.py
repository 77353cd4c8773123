"""`lianpu camera check`: whether this machine has a virtual camera that can be written."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

app = typer.Typer(help="The virtual camera that swapped and annotated pictures can be sent to.", no_args_is_help=True)


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Look at module, device, permission and size, and say what to do. Exit status 1 when it cannot be written."""
    from rich.console import Console
    from rich.markup import escape

    from lianpu.engines.camera.examination import examine_camera
    from lianpu.engines.camera.sink import CameraFormat

    wanted = load_settings(home, config).camera
    report = examine_camera(CameraFormat(wanted.width, wanted.height, wanted.fps), wanted.device)
    if as_json:
        typer.echo(json.dumps(asdict(report), ensure_ascii=False, indent=2))
    else:
        console = Console()
        for finding in report.findings:
            mark = "[green]✓[/]" if finding.is_ok else "[red]✗[/]"
            console.print(f"{mark} [bold]{finding.name}[/] {escape(finding.detail)}", highlight=False)
            if finding.advice and not finding.is_ok:
                console.print(f"  {escape(finding.advice)}", highlight=False)
    if not report.is_ready:
        raise typer.Exit(1)
