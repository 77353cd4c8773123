"""`lianpu enroll DIR|ARCHIVE`: a folder per person."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from lianpu.cli.photo_folder import Photo
    from lianpu.settings import Settings

BATCH = "/api/v1/faces/batch"
ITEMS_PER_PAGE = 1000
ADDED, WOULD_ADD, KNOWN, SKIPPED, REFUSED = "enrolled", "would_enrol", "duplicate", "skipped", "failed"


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
        photos = _photos_of(source)
        counts = asyncio.run(_enrol_folder(photos, load_settings(home, config), fields))
    added = f"{counts[WOULD_ADD]} would be added" if dry_run else f"{counts[ADDED]} added"
    others = f", {counts[SKIPPED]} skipped" if counts[SKIPPED] else ""
    typer.echo(f"{added}, {counts[KNOWN]} known already, {counts[REFUSED]} refused{others}")
    if counts[REFUSED]:
        raise typer.Exit(1)


def _photos_of(folder: Path) -> "list[Photo]":
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
        job = await _upload(client, _parts(archive), "application/octet-stream", fields)
        await _tell_items(client, job, {})
    if job["result"]["upload_kept"]:
        typer.echo(f"Mend the cause and run `lianpu jobs retry {job['job_id']}`.", err=True)
    return Counter(job["items"])


async def _enrol_folder(photos: "list[Photo]", settings: "Settings", fields: dict[str, str]) -> Counter[str]:
    from lianpu.cli.client import open_client
    from lianpu.cli.photo_folder import packed, problem_of, uploads_of

    counts: Counter[str] = Counter()
    paths = {photo.file: photo.path for photo in photos}
    limits = settings.bulk

    def refuse(photo: "Photo", reason: str) -> None:
        counts[REFUSED] += 1
        typer.echo(f"{photo.path}: {reason}", err=True)

    sent: list[Photo] = []
    for photo in photos:
        problem = problem_of(photo, limits.max_item_bytes)
        if problem is None:
            sent.append(photo)
        else:
            refuse(photo, problem)
    # One item is the manifest's.
    portions = list(uploads_of(sent, limits.max_items - 1, min(limits.max_upload_bytes, limits.max_unpacked_bytes)))
    async with open_client(settings, writes=True) as client:
        for portion in portions:
            job = await _upload(client, packed(portion, refuse), "application/x-tar", fields)
            await _tell_items(client, job, paths)
            counts.update(job["items"])
    return counts


async def _upload(
    client: "AsyncClient", parts: AsyncIterator[bytes], content_type: str, fields: dict[str, str]
) -> dict[str, Any]:
    """The job, once it has completed."""
    from lianpu.cli.client import answer_of
    from lianpu.cli.jobs import follow

    headers = {"Content-Type": content_type}
    answer = await client.post(BATCH, content=parts, params=fields, headers=headers, timeout=None)
    return await follow(client, answer_of(answer)["job"]["job_id"])


async def _tell_items(client: "AsyncClient", job: dict[str, Any], paths: dict[str, Path]) -> None:
    """Say what was refused, and what was warned about."""
    from lianpu.cli.client import answer_of

    cursor: str | None = None
    while True:
        parameters = {"limit": ITEMS_PER_PAGE} | ({} if cursor is None else {"cursor": cursor})
        page = answer_of(await client.get(f"/api/v1/jobs/{job['job_id']}/items", params=parameters))
        for item in page["items"]:
            shown, detail = paths.get(item["name"], item["name"]), item["detail"]
            if item["status"] == REFUSED:
                typer.echo(f"{shown}: {detail.get('message', '')} [{detail['code']}]", err=True)
            for warning in detail.get("warnings", []):
                typer.echo(f"{shown}: warning: {warning['message']}", err=True)
        cursor = page["next_cursor"]
        if cursor is None:
            return


async def _parts(archive: Path) -> AsyncGenerator[bytes]:
    with await asyncio.to_thread(archive.open, "rb") as file:
        while part := await asyncio.to_thread(file.read, 1 << 20):
            yield part
