"""`lianpu faces list|show|merge|move|delete`: persons and their images, put in order."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

app = typer.Typer(help="Persons and their images, put in order.", no_args_is_help=True)
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
PAGE = 200


@app.command("list")
def list_persons(
    name: Annotated[str | None, typer.Option(help="Only persons with this in their name.")] = None,
    pack: Annotated[str | None, typer.Option(help="Only persons who can be found by this pack.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Persons, newest first."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    persons: list[dict[str, Any]] = []
    wanted = {"name": name, "pack": pack, "cursor": None}
    while len(persons) < limit:
        given = {key: value for key, value in wanted.items() if value is not None}
        page = _call(home, config, "GET", "", parameters={**given, "limit": min(PAGE, limit - len(persons))})
        persons += page["persons"]
        wanted["cursor"] = page["next_cursor"]
        if wanted["cursor"] is None:
            break
    if as_json:
        typer.echo(json.dumps(persons, ensure_ascii=False, indent=2))
        return
    table = Table("person", "name", "images", "packs")
    for person in persons:
        cells = (person["person_id"], person["name"], str(person["image_count"]), _packs(person))
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


@app.command()
def show(
    person: Annotated[str, typer.Argument(help="The person's id.")],
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """One person and the images."""
    found = _call(home, config, "GET", f"/{_in_path(person)}")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    one = found["person"]
    typer.echo(f"{one['person_id']}  {one['name']}  {_packs(one)}".rstrip())
    if one["metadata"]:
        typer.echo(json.dumps(one["metadata"], ensure_ascii=False))
    for image in found["images"]:
        primary = "  primary" if image["is_primary"] else ""
        typer.echo(f"{image['image_id']}  {image['width']}x{image['height']}  {image['uploaded_at'][:19]}{primary}")


@app.command()
def merge(
    kept: Annotated[str, typer.Argument(help="Id of the person who stays.")],
    merged: Annotated[list[str], typer.Argument(help="Ids of the persons who become part of that one.")],
    yes: YesOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Several persons become one: images and embeddings move, and the others are gone."""
    if not yes:
        typer.confirm(f"Merge {', '.join(merged)} into {kept}?", abort=True)
    done = _call(home, config, "POST", f"/{_in_path(kept)}/merge", body={"from": merged})
    typer.echo(f"{done['images_moved']} images moved, {done['duplicates_dropped']} duplicates dropped.")
    for conflict in done["metadata_conflicts"]:
        typer.echo(f"{conflict['key']}: kept {conflict['kept']!r}, dropped {conflict['dropped']!r}")


@app.command()
def move(
    person: Annotated[str, typer.Argument(help="Id of the person who has the image.")],
    image: Annotated[str, typer.Argument(help="Id of the image.")],
    to: Annotated[str | None, typer.Option(help="Id of the person who gets it.")] = None,
    new: Annotated[str | None, typer.Option(help="Name of a new person who gets it.")] = None,
    delete_empty: Annotated[bool, typer.Option("--delete-empty", help="Remove a person left without images.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Give an image to another person."""
    if (to is None) == (new is None):
        raise typer.BadParameter("Give either --to ID or --new NAME.")
    target = {"to_person_id": to} if new is None else {"new_person": {"name": new}}
    body = {**target, "delete_empty": delete_empty}
    done = _call(home, config, "POST", f"/{_in_path(person)}/images/{_in_path(image)}/move", body=body)
    removed = f" {person} had no other image and is removed." if done["person_removed"] else ""
    typer.echo(f"The image is {done['person']['name']}'s ({done['person']['person_id']}).{removed}")


@app.command()
def delete(
    persons: Annotated[list[str], typer.Argument(help="Ids of the persons.")],
    yes: YesOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove persons with everything they have. Exit status 1 when one was not there or something is left."""
    if not yes:
        typer.confirm(f"Delete {', '.join(persons)}? There is no way back.", abort=True)
    items = _call(home, config, "DELETE", "/batch", body={"person_ids": persons})["items"]
    for item in items:
        receipt = item["receipt"]
        if receipt is None:
            typer.echo(f"{item['person_id']}: not found", err=True)
        else:
            rest = "nothing is left" if receipt["verified"] else "something is left; it is tried again every hour"
            typer.echo(
                f"{item['person_id']}: {receipt['images']} images deleted, {rest} (receipt {receipt['receipt_id']})"
            )
    if not all(item["receipt"] and item["receipt"]["verified"] for item in items):
        raise typer.Exit(1)


def _packs(person: dict[str, Any]) -> str:
    return ", ".join(f"{pack['name']}@{pack['version']}" for pack in person["packs"])


def _in_path(value: str) -> str:
    return quote(value, safe="")


def _call(
    home: Path | None,
    config: Path | None,
    method: str,
    path: str,
    *,
    body: dict[str, Any] | None = None,
    parameters: dict[str, Any] | None = None,
) -> dict[str, Any]:
    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client

        async with open_client(settings, writes=method != "GET") as client:
            return answer_of(await client.request(method, f"/api/v1/faces{path}", json=body, params=parameters))

    return asyncio.run(call())
