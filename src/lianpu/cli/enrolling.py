"""Photos sent to be enrolled, portion by portion, and what became of each."""

from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from lianpu.cli.photo_uploads import Photo
    from lianpu.settings import BulkSettings

BATCH = "/api/v1/faces/batch"
ITEMS_PER_PAGE = 1000
ADDED, WOULD_ADD, KNOWN, SKIPPED, REFUSED = "enrolled", "would_enrol", "duplicate", "skipped", "failed"
PERSONS = "persons"
"""Beside the outcomes of photos: persons who were made."""


def sendable(photos: "Iterable[Photo]", max_item_bytes: int, counts: Counter[str]) -> "list[Photo]":
    """Those that can be sent at all; of the others it is said why not."""
    from lianpu.cli.photo_uploads import problem_of

    sent: list[Photo] = []
    for photo in photos:
        problem = problem_of(photo, max_item_bytes)
        if problem is None:
            sent.append(photo)
        else:
            refuse(photo, problem, counts)
    return sent


def refuse(photo: "Photo", reason: str, counts: Counter[str]) -> None:
    counts[REFUSED] += 1
    typer.echo(f"{photo.shown}: {reason}", err=True)


async def portions_of(photos: "Sequence[Photo]", limits: "BulkSettings") -> "AsyncIterator[list[Photo]]":
    """In portions that one request each may carry."""
    from lianpu.cli.photo_uploads import uploads_of

    # One item is the manifest's.
    for portion in uploads_of(photos, limits.max_items - 1, min(limits.max_upload_bytes, limits.max_unpacked_bytes)):
        yield portion


async def enrol_portions(
    client: "AsyncClient",
    portions: "AsyncIterable[Sequence[Photo]]",
    fields: Mapping[str, str],
    counts: Counter[str],
    *,
    quiet: bool = False,
) -> None:
    """Send each portion, wait until it is done, and count the outcomes.

    Raises:
        AnswerError, JobFailedError: a portion as a whole was refused, or its job failed.
    """
    from lianpu.cli.photo_uploads import packed

    async for portion in portions:
        shown = {photo.file: photo.shown for photo in portion}
        parts = packed(portion, lambda photo, reason: refuse(photo, reason, counts))
        job = await upload(client, parts, "application/x-tar", fields, quiet=quiet)
        await tell_items(client, job, shown)
        counts.update(job["items"])
        counts[PERSONS] += job["result"]["persons_created"]


async def upload(
    client: "AsyncClient",
    parts: AsyncIterator[bytes],
    content_type: str,
    fields: Mapping[str, str],
    *,
    quiet: bool = False,
) -> dict[str, Any]:
    """The job, once it has completed."""
    from lianpu.cli.client import answer_of
    from lianpu.cli.jobs import follow

    headers = {"Content-Type": content_type}
    answer = await client.post(BATCH, content=parts, params=dict(fields), headers=headers, timeout=None)
    return await follow(client, answer_of(answer)["job"]["job_id"], quiet=quiet)


async def tell_items(client: "AsyncClient", job: dict[str, Any], shown: Mapping[str, str]) -> None:
    """Say what was refused, and what was warned about.

    Args:
        shown: how files of the upload are called.
    """
    from lianpu.cli.client import answer_of

    cursor: str | None = None
    while True:
        parameters = {"limit": ITEMS_PER_PAGE} | ({} if cursor is None else {"cursor": cursor})
        page = answer_of(await client.get(f"/api/v1/jobs/{job['job_id']}/items", params=parameters))
        for item in page["items"]:
            name, detail = shown.get(item["name"], item["name"]), item["detail"]
            if item["status"] == REFUSED:
                typer.echo(f"{name}: {detail.get('message', '')} [{detail['code']}]", err=True)
            for warning in detail.get("warnings", []):
                typer.echo(f"{name}: warning: {warning['message']}", err=True)
        cursor = page["next_cursor"]
        if cursor is None:
            return


def tell_counts(counts: Counter[str], *, dry_run: bool) -> None:
    """The last line. Raises `typer.Exit(1)` when a photo was refused."""
    added = f"{counts[WOULD_ADD]} would be added" if dry_run else f"{counts[ADDED]} added"
    others = f", {counts[SKIPPED]} skipped" if counts[SKIPPED] else ""
    typer.echo(f"{added}, {counts[KNOWN]} known already, {counts[REFUSED]} refused{others}")
    if counts[REFUSED]:
        raise typer.Exit(1)
