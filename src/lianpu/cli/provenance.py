"""`lianpu provenance verify`: which labels a photo or video carries."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

app = typer.Typer(help="Labels of generated pictures.", no_args_is_help=True)
LABELS = ("visible", "xmp", "aigc", "c2pa", "watermark")
ALTERED = 3
UNLABELLED = 4


@app.callback()
def provenance() -> None:
    """A group, though there is one command yet."""


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A photo or a video.", exists=True, dir_okay=False, readable=True)],
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Read every label back. Exit status 0: signed and untouched; 3: labelled, and changed since; 4: no label found."""
    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client

        async with open_client(settings, writes=False) as client:
            with file.open("rb") as opened:
                return answer_of(await client.post("/api/v1/provenance/verify", files={"file": (file.name, opened)}))

    answer = asyncio.run(call())
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        typer.echo(f"{file.name}: {answer['conclusion']}")
        for label in LABELS:
            there = "yes" if label in answer["survived"] else "no"
            typer.echo(f"  {label:<9} {there:<3} {_detail(label, answer)}".rstrip())
        for mark in answer["marks"]:
            typer.echo(f"  id {mark['mark']}: {_origin(mark)}")
    if answer["conclusion"] in {"altered", "unlabelled"}:
        raise typer.Exit(ALTERED if answer["conclusion"] == "altered" else UNLABELLED)


def _detail(label: str, answer: dict[str, Any]) -> str:
    if label == "xmp":
        uri: str | None = answer["metadata"]["digital_source_type"]
        return "" if uri is None else uri.rpartition("/")[2]
    if label == "aigc" and answer["metadata"]["aigc"]:
        return f"by {answer['metadata']['aigc'].get('ContentProducer', '')}"
    if label == "c2pa" and answer["manifest"]:
        manifest = answer["manifest"]
        if not manifest["valid"]:
            return ", ".join(manifest["problems"])
        return f"signed by {manifest['issuer']}" + ("" if manifest["trusted"] else ", who is not trusted here")
    return ""


def _origin(mark: dict[str, Any]) -> str:
    if not mark["is_own"]:
        return "not given out by this installation"
    output = mark["output"]
    if output is None:
        return "given out by this installation"
    return f"{output['kind']} {output['job_id']} by {output['engine']} at {output['created_at'][:19]}"
