"""`lianpu enroll DIR`: a folder per person."""

import asyncio
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from rich.console import Console

    from lianpu.settings import Settings

PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Photo:
    person: str
    path: Path


def enroll(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Holds one folder per person.")],
    largest: Annotated[bool, typer.Option("--largest", help="Take the largest face of photos with several.")] = False,
    pack: Annotated[list[str] | None, typer.Option("--pack", help="Packs to embed with; repeatable.")] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Enrol a folder: each sub-folder is a person, its name the person's, its photos the person's.

    Running it again adds what is new. Exit status 1 when a photo was refused; the others are enrolled.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    photos = photos_of(folder)
    if not photos:
        typer.echo(f"{folder} holds no folder with photos: expected {folder}/NAME/photo.jpg", err=True)
        raise typer.Exit(1)
    _refuse_shared_ids(photos)
    settings = load_settings(home, config)
    fields = {"face_selection": "largest" if largest else "only"}
    if pack:
        fields["models_to_generate"] = ",".join(pack)
    console = Console(stderr=True)
    columns = (TextColumn("enrolling"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("enrolling", total=len(photos))
        counts = asyncio.run(_enrol_all(photos, settings, fields, lambda: progress.advance(task), progress.console))
    added, known, refused = counts
    typer.echo(f"{added} added, {known} known already, {refused} refused")
    if refused:
        raise typer.Exit(1)


def photos_of(folder: Path) -> list[Photo]:
    """Photos of all sub-folders in a stable order; hidden files are left out."""
    return [
        Photo(person.name, path)
        for person in sorted(folder.iterdir())
        if person.is_dir() and not person.name.startswith(".")
        for path in sorted(person.rglob("*"))
        if path.is_file() and path.suffix.lower() in PHOTO_SUFFIXES and not path.name.startswith(".")
    ]


async def _enrol_all(
    photos: list[Photo], settings: "Settings", fields: dict[str, str], advance: Callable[[], None], console: "Console"
) -> tuple[int, int, int]:
    """(added, known already, refused)."""
    from lianpu.cli.client import AnswerError, answer_of, open_client

    outcomes = {"added": 0, "known": 0, "refused": 0}
    waiting = iter(photos)

    async def worker(client: "AsyncClient") -> None:
        for photo in waiting:
            data = {**fields, "person_id": person_id_of(photo.person), "name": photo.person}
            try:
                files = [("image", (photo.path.name, await asyncio.to_thread(photo.path.read_bytes)))]
                answer_of(await client.post("/api/v1/faces", files=files, data=data))
                outcomes["added"] += 1
            except AnswerError as error:
                known = error.problem["code"] == "duplicate_image"
                outcomes["known" if known else "refused"] += 1
                if not known:
                    console.print(f"{photo.path}: {error.detail}", markup=False, highlight=False)
            except OSError as error:
                outcomes["refused"] += 1
                console.print(f"{photo.path}: cannot be read: {error.strerror or error}", markup=False, highlight=False)
            advance()

    async with open_client(settings, writes=True) as client:
        await asyncio.gather(*(worker(client) for _ in range(AT_ONCE)))
    return outcomes["added"], outcomes["known"], outcomes["refused"]


def _refuse_shared_ids(photos: list[Photo]) -> None:
    """`a b` and `a_b` would silently become one person."""
    folders: dict[str, set[str]] = {}
    for photo in photos:
        folders.setdefault(person_id_of(photo.person), set()).add(unicodedata.normalize("NFC", photo.person))
    for person_id, names in folders.items():
        if len(names) > 1:
            shown = " and ".join(repr(name) for name in sorted(names))
            typer.echo(f"{shown} would both get the id {person_id!r}: rename one of the folders", err=True)
            raise typer.Exit(1)


def person_id_of(folder_name: str) -> str:
    """The id that a folder's person gets: its name, with `_` for what an id may not hold. The same at every run."""
    name = unicodedata.normalize("NFC", folder_name)
    kept = "".join(char if unicodedata.category(char)[0] in "LNM" or char in "._-@:" else "_" for char in name)
    return kept if unicodedata.category(kept[0])[0] in "LNM" else f"p{kept}"
