"""`lianpu models convert`: PyTorch's weights become a pack that can be imported."""

import json
from pathlib import Path
from typing import Annotated

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings


def convert(
    weights: Annotated[Path, typer.Argument(help="A file of PyTorch's weights: .pth, .ckpt or .safetensors.")],
    output: Annotated[Path, typer.Option(help="The pack's folder, which is made.")],
    name: Annotated[str | None, typer.Option(help="Name of the pack; else the file's.")] = None,
    version: Annotated[str | None, typer.Option(help="Version of the pack; else 1.")] = None,
    licence: Annotated[
        str | None, typer.Option(help="SPDX id of the weights' terms, where the catalogue does not know them.")
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(
            help="Side in pixels of the one square that an upscaler will take; for networks that need it.",
            min=48,
            max=1024,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a pack of PyTorch's weights that restore faces or enlarge photos: a folder for `lianpu models import`.

    Needs the extra `convert`. Answers of the ONNX file are compared with PyTorch's. No code of the file is run.
    """
    from lianpu.packs.catalogued import read_catalogue
    from lianpu.packs.pytorch import ConversionOptions, convert_weights
    from lianpu.packs.pytorch.export import TOLERANCE
    from lianpu.runtime.onnx import OnnxSessionFactory

    if tile is not None and tile % 16:
        raise typer.BadParameter("is a multiple of 16.", param_hint="--tile")
    if output.exists():
        raise typer.BadParameter(f"{output} is there already.", param_hint="--output")
    settings = load_settings(home, config)
    # GPUs round: what they answer says nothing about whether the two networks are the same.
    sessions = OnnxSessionFactory(["cpu"], threads=settings.runtime.threads)
    options = ConversionOptions(name, version, licence, tile)
    converted = convert_weights(weights, output, options, sessions, read_catalogue(settings.packs.catalogue))
    manifest = converted.pack.manifest
    if as_json:
        content = manifest.model_dump(mode="json", exclude_none=True) | {
            "folder": str(output),
            "architecture": converted.architecture,
            "difference": converted.difference,
        }
        typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
        return
    (role,) = manifest.roles.filled()
    typer.echo(f"{weights.name}: {converted.architecture}, a network for the role {role}.")
    typer.echo(f"ONNX and PyTorch differ by {converted.difference:.2g} of 255 steps at most (allowed: {TOLERANCE}).")
    accept = " --accept-licence" if manifest.licence.acceptance else ""
    typer.echo(f"Licence: {manifest.licence.id}. Install it: lianpu models import {output}{accept}")
