"""`lianpu enroll DIR|ARCHIVE`: a folder per person."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianpu.cli.enrolling import enrol_portions, portions_of, sendable, tell_counts, tell_items, upload
from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from lianpu.cli.photo_uploads import Photo
    from lianpu.settings import Settings


def enroll(
    source: Annotated[
        Path, typer.Argument(exists=True, help="A folder or an archive (zip, tar, tar.gz) of one folder per person.")
    ],
    largest: Annotated[bool, typer.Option("--largest", help="Take the largest face of photos with several.")] = False,
    pack: Annotated[list[str] | None, typer.Option("--pack", help="Packs to embed with; repeatable.")] = None,
    quality_mode: Annotated[str | None, typer.Option(help="Poor photos: off | warn | reject.")] = None,
    conflict_mode: Annotated[
        str | None, typer.Option(help="Faces like somebody else's, or unlike their own person: off | warn | reject.")
    ] = None,
    on_existing: Annotated[str, typer.Option(help="Persons who exist already: add | skip.")] = "add",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; store nothing.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Enrol a folder or an archive: each folder in it is a person, its name the person's, its photos the person's.

    Running it again adds what is new. Exit status 1 when a photo was refused; the others are enrolled.
    """
    fields = {"face_selection": "largest" if largest else "only", "on_existing": on_existing}
    fields["dry_run"] = str(dry_run).lower()
    if pack:
        fields["models_to_generate"] = ",".join(pack)
    modes = {"quality_mode": quality_mode, "conflict_mode": conflict_mode}
    fields |= {field: mode for field, mode in modes.items() if mode is not None}
    if source.is_file():
        counts = asyncio.run(_enrol_archive(source, load_settings(home, config), fields))
    else:
        photos = photos_in(source)
        counts = asyncio.run(_enrol_folder(photos, load_settings(home, config), fields))
    tell_counts(counts, dry_run=dry_run)


def photos_in(folder: Path) -> "list[Photo]":
    """Raises `typer.Exit(1)` when there is none, or two folders would become one person."""
    from lianpu.cli.photo_folder import SharedIdError, photos_of

    try:
        photos = photos_of(folder)
    except SharedIdError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if not photos:
        typer.echo(f"{folder} holds no folder with photos: expected {folder}/NAME/photo.jpg", err=True)
        raise typer.Exit(1)
    return photos


async def _enrol_archive(archive: Path, settings: "Settings", fields: dict[str, str]) -> Counter[str]:
    from lianpu.cli.client import open_client

    async with open_client(settings, writes=True) as client:
        job = await upload(client, _parts(archive), "application/octet-stream", fields)
        await tell_items(client, job, {})
    if job["result"]["upload_kept"]:
        typer.echo(f"Mend the cause and run `lianpu jobs retry {job['job_id']}`.", err=True)
    return Counter(job["items"])


async def _enrol_folder(photos: "list[Photo]", settings: "Settings", fields: dict[str, str]) -> Counter[str]:
    from lianpu.cli.client import open_client

    counts: Counter[str] = Counter()
    sent = sendable(photos, settings.bulk.max_item_bytes, counts)
    async with open_client(settings, writes=True) as client:
        await enrol_portions(client, portions_of(sent, settings.bulk), fields, counts)
    return counts


async def _parts(archive: Path) -> AsyncGenerator[bytes]:
    with await asyncio.to_thread(archive.open, "rb") as file:
        while part := await asyncio.to_thread(file.read, 1 << 20):
            yield part
