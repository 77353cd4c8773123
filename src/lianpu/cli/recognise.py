"""`lianpu search|compare|detect`: recognition from the command line."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

DRAWN_SUFFIXES = (".jpg", ".jpeg", ".png")
ImageArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A photo.")]
PackOption = Annotated[str | None, typer.Option("--pack", help="Pack to use; the default one when left out.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the API's answer.")]
LivenessOption = Annotated[
    str | None, typer.Option(help="observe | enforce; counts where it is stricter than the setting.")
]
ThresholdOption = Annotated[float | None, typer.Option(min=0, max=1, help="Least score of a match.")]


def search(
    image: ImageArgument,
    pack: PackOption = None,
    top_k: Annotated[int, typer.Option(min=1, max=100, help="Persons to name for each face.")] = 5,
    threshold: ThresholdOption = None,
    liveness_mode: LivenessOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Who is on the photo? (1:N)"""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    fields = {"pack": pack, "top_k": top_k, "threshold": threshold, "liveness_mode": liveness_mode}
    answer = _call("search", [image], fields, home, config)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    table = Table(
        "face", "place", "person", "score", "threshold", "margin", title=f"{answer['pack']}@{answer['pack_version']}"
    )
    for face in answer["faces"]:
        box = face["box"]
        place = f"{box['x']:.0f},{box['y']:.0f} {box['width']:.0f}×{box['height']:.0f}{_liveness(face)}"
        if not face["matches"]:
            refused = face["liveness"] is not None and not face["liveness"]["is_live"]
            reason = "not live: matches no one" if refused else "unknown (the gallery is empty)"
            table.add_row(str(face["face_index"]), place, reason)
        for rank, match in enumerate(face["matches"]):
            name = f"[{'bold green' if match['is_match'] else 'dim'}]{escape(match['name'])}[/]"
            first = rank == 0
            if first and not match["is_match"]:
                name = f"unknown; nearest: {name}"
            margin = "" if not first or face["margin"] is None else f"{face['margin']:.3f}"
            threshold_text = f"{match['threshold']:.3f} ({match['threshold_source']})"
            row = (name, f"{match['score']:.3f}", threshold_text, margin)
            table.add_row(*((str(face["face_index"]), place) if first else ("", "")), *row)
    Console().print(table if answer["faces"] else "no face found")


def compare(
    first: ImageArgument,
    second: ImageArgument,
    pack: PackOption = None,
    threshold: ThresholdOption = None,
    face_selection: Annotated[str, typer.Option(help="only | largest")] = "only",
    liveness_mode: LivenessOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Do two photos show the same person? (1:1) Exit status 0: yes, 1: no."""
    fields = {
        "pack": pack,
        "threshold": threshold,
        "face_selection": face_selection,
        "liveness_mode": liveness_mode,
    }
    answer = _call("compare", [first, second], fields, home, config)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        verdict = "same person" if answer["is_match"] else "different persons"
        typer.echo(
            f"{verdict}: score {answer['score']:.3f}, threshold {answer['threshold']:.3f} "
            f"({answer['threshold_source']}), {answer['metric']} {answer['raw_value']:.3f}, "
            f"pack {answer['pack']}@{answer['pack_version']}"
        )
        for ordinal, face in zip(("first", "second"), answer["faces"], strict=True):
            if face["liveness"] is not None:
                typer.echo(f"{ordinal} photo{_liveness(face)}")
    if not answer["is_match"]:
        raise typer.Exit(1)


def detect(
    image: ImageArgument,
    draw: Annotated[Path | None, typer.Option(help="Write the photo with the faces drawn on it (JPEG or PNG).")] = None,
    pack: PackOption = None,
    liveness_mode: LivenessOption = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Where are the faces?"""
    if draw is not None and draw.suffix.lower() not in DRAWN_SUFFIXES:
        raise typer.BadParameter(f"{draw.name} must end in {', '.join(DRAWN_SUFFIXES)}", param_hint="--draw")
    answer = _call("detect", [image], {"pack": pack, "liveness_mode": liveness_mode}, home, config)
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
    else:
        for face in answer["faces"]:
            box, quality = face["box"], face["quality"]
            typer.echo(
                f"face {face['face_index']}: x={box['x']:.0f} y={box['y']:.0f} "
                f"{box['width']:.0f}×{box['height']:.0f} px, detection {face['detection_score']:.2f}, "
                f"quality {quality['overall']:.2f}{_liveness(face)}"
            )
        if not answer["faces"]:
            typer.echo("no face found")
    if draw is not None:
        _draw(image, answer["faces"], draw)


def _call(
    route: str, images: list[Path], fields: dict[str, Any], home: Path | None, config: Path | None
) -> dict[str, Any]:
    from lianpu.cli.client import answer_of, open_client

    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        files = [("image", (image.name, image.read_bytes())) for image in images]
        data = {name: str(value) for name, value in fields.items() if value is not None}
        async with open_client(settings, writes=False) as client:
            return answer_of(await client.post(f"/api/v1/{route}", files=files, data=data))

    return asyncio.run(call())


def _liveness(face: dict[str, Any]) -> str:
    """Empty where liveness is off."""
    found = face["liveness"]
    return "" if found is None else f", {'live' if found['is_live'] else 'not live'} ({found['score']:.2f})"


def _draw(image: Path, faces: list[dict[str, Any]], target: Path) -> None:
    from lianpu.engines.drawing import DrawnFace, draw_faces
    from lianpu.engines.image import decode_image, encode_jpeg, encode_png

    drawn = [DrawnFace(**face["box"], points=face["landmarks"], label=str(face["face_index"])) for face in faces]
    pixels = draw_faces(decode_image(image.read_bytes()).pixels, drawn)
    encode = encode_png if target.suffix.lower() == ".png" else encode_jpeg
    try:
        target.write_bytes(encode(pixels))
    except OSError as error:
        typer.echo(f"{target} cannot be written: {error.strerror or error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"written: {target}", err=True)
