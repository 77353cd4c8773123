"""`lianpu import people FOLDER | TABLE.csv | compreface URL`: people of another system, with their photos."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianpu.cli.enroll import photos_in
from lianpu.cli.enrolling import REFUSED, enrol_portions, portions_of, sendable, tell_counts
from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from lianpu.cli.compreface_source import CompreFaceSource
    from lianpu.cli.people_table import Table
    from lianpu.cli.photo_uploads import Photo
    from lianpu.settings import Settings

app = typer.Typer(help="Take in what another system has.", no_args_is_help=True)
COMPREFACE = "compreface"
FIELDS = ("person_id", "name", "image", "face_index")


@app.callback()
def group() -> None:
    """A group even with one command: others will follow."""


@app.command()
def people(
    source: Annotated[str, typer.Argument(help="A folder per person, a table (CSV), or the word `compreface`.")],
    url: Annotated[str | None, typer.Argument(help="Address of a running CompreFace.")] = None,
    images: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="Where a table's photos lie; else beside it.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a table, such as gbk; else it is found out.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="FIELD=HEADING, of person_id, name, image, face_index; repeatable.")
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Holds CompreFace's API key; else it is asked for.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing when anything would be refused.")] = False,
    largest: Annotated[bool, typer.Option("--largest", help="Take the largest face of photos with several.")] = False,
    on_existing: Annotated[str, typer.Option(help="Persons who exist already: add | skip.")] = "add",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; store nothing.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Import persons and their photos. Running it again adds what is new. Exit status 1 when anything was refused."""
    fields = {"face_selection": "largest" if largest else "only", "on_existing": on_existing}
    settings = load_settings(home, config)
    if (source == COMPREFACE) != (url is not None):
        raise typer.BadParameter("`compreface` needs the address of one, and nothing else has an address.")
    if url is not None:
        origin: _Origin = _OfCompreFace(settings, url, _key(api_key_file))
    elif Path(source).is_dir():
        origin = _OfPhotos(settings, photos_in(Path(source)), ())
    elif Path(source).is_file():
        origin = _of_table(settings, Path(source), images, encoding, column or [])
    else:
        raise typer.BadParameter(f"There is no folder and no file {source}.")
    asyncio.run(_import(origin, settings, fields, strict=strict, dry_run=dry_run))


async def _import(
    origin: "_Origin", settings: "Settings", fields: Mapping[str, str], *, strict: bool, dry_run: bool
) -> None:
    from lianpu.cli.client import open_client

    async with open_client(settings, writes=True) as client:
        for is_dry in (True, False) if strict and not dry_run else (dry_run,):
            counts: Counter[str] = Counter()
            sent = {**fields, "dry_run": str(is_dry).lower()}
            await enrol_portions(client, origin.portions(counts), sent, counts)
            await origin.tell_rest()
            if counts[REFUSED] and is_dry and not dry_run:
                typer.echo(f"{counts[REFUSED]} would be refused: nothing is imported", err=True)
                raise typer.Exit(1)
            if is_dry == dry_run:
                tell_counts(counts, dry_run=dry_run)


def _key(file: Path | None) -> str:
    if file is None:
        return str(typer.prompt("CompreFace's API key", hide_input=True, err=True))
    return file.read_text(encoding="utf-8").strip()


def _of_table(
    settings: "Settings", file: Path, images: Path | None, encoding: str | None, column: Sequence[str]
) -> "_OfPhotos":
    from lianpu.cli.people_table import read_table

    told: dict[str, str] = {}
    for one in column:
        name, _, heading = one.partition("=")
        told[name] = heading
    unknown = [name for name in told if name not in FIELDS]
    if unknown:
        raise typer.BadParameter(f"--column {unknown[0]}: a field is one of {', '.join(FIELDS)}.")
    table: Table = read_table(file, images or file.parent, encoding=encoding, columns=told)
    if table.encoding not in {"utf-8", "utf-8-sig"}:
        typer.echo(f"{file} is read as {table.encoding}", err=True)
    return _OfPhotos(settings, table.photos, [f"line {one.line}: {one.message}" for one in table.problems])


class _OfPhotos:
    """Photos that lie on this machine, and what cannot be used of them."""

    def __init__(self, settings: "Settings", photos: "Sequence[Photo]", problems: Sequence[str]) -> None:
        self._settings = settings
        self._photos = photos
        self._problems = problems

    def portions(self, counts: Counter[str]) -> "AsyncIterable[Sequence[Photo]]":
        for problem in self._problems:
            typer.echo(problem, err=True)
        counts[REFUSED] += len(self._problems)
        limits = self._settings.bulk
        return portions_of(sendable(self._photos, limits.max_item_bytes, counts), limits)

    async def tell_rest(self) -> None:
        """Nothing is left out."""


class _OfCompreFace:
    """Photos that are fetched as they are needed."""

    def __init__(self, settings: "Settings", url: str, api_key: str) -> None:
        from lianpu.cli.compreface_source import CompreFaceSource

        self._settings = settings
        self._open = lambda: CompreFaceSource(url, api_key, max_photo_bytes=settings.bulk.max_item_bytes)
        self._subjects: set[str] = set()
        self._with_photos: set[str] = set()

    async def portions(self, counts: Counter[str]) -> "AsyncIterable[Sequence[Photo]]":
        from lianpu.cli.compreface_source import PORTION_BYTES, PORTION_PHOTOS, Example, portions

        def refused(example: Example, reason: str) -> None:
            counts[REFUSED] += 1
            self._with_photos.add(example.subject)
            typer.echo(f"{example.subject}, image {example.image_id}: {reason}", err=True)

        limits = self._settings.bulk
        source: CompreFaceSource = self._open()
        try:
            self._subjects = set(await source.subjects())
            # One item is the manifest's.
            max_photos = min(PORTION_PHOTOS, limits.max_items - 1)
            max_bytes = min(PORTION_BYTES, limits.max_upload_bytes // 2, limits.max_unpacked_bytes // 2)
            async for portion in portions(source, refused, max_photos=max_photos, max_bytes=max_bytes):
                self._with_photos |= {photo.person for photo in portion}
                yield sendable(portion, limits.max_item_bytes, counts)
        finally:
            await source.aclose()

    async def tell_rest(self) -> None:
        """Subjects without a photo are no persons whom anybody could recognise."""
        empty = self._subjects - self._with_photos
        if empty:
            typer.echo(f"{len(empty)} subjects have no photo and are left out", err=True)


_Origin = _OfPhotos | _OfCompreFace
