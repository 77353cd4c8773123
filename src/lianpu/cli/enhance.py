"""`lianpu enhance`: photos, folders and archives through the API; the only place where a result lands on disk."""

# ruff: noqa: ASYNC240 (nothing else runs in this command)

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    import httpx2
    from rich.progress import Progress

ENHANCE = "/api/v1/enhance"
PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"})
ARCHIVE_SUFFIXES = (".zip", ".rar", ".7z", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
CHUNK_BYTES = 1 << 16
POLL_S = 0.3
SourceArgument = Annotated[Path, typer.Argument(exists=True, help="A photo, a folder or an archive of photos.")]
TargetArgument = Annotated[Path, typer.Argument(help="Where the photo, the folder or the ZIP is written.")]


def enhance(
    source: SourceArgument,
    target: TargetArgument,
    level: Annotated[int, typer.Option(min=1, max=4, help="1, 2, 3, 4: ×1, ×2, ×4, ×8.")] = 2,
    preserve_identity: Annotated[bool, typer.Option(help="Faces must stay the same persons.")] = True,
    output_format: Annotated[str, typer.Option("--format", help="same | jpeg | png | webp")] = "same",
    restorer: Annotated[str | None, typer.Option(help="Engine for faces; `none`: none.")] = None,
    upscaler: Annotated[str | None, typer.Option(help="Engine for the rest; `lanczos`: no network.")] = None,
    fidelity: Annotated[float | None, typer.Option(min=0, max=1, help="Of restorers that have it.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace files that are there.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Make photos sharper and larger, with the same persons on them. Exit status 1 when one failed."""
    fields = {
        "enhancement_level": str(level),
        "preserve_identity": str(preserve_identity).lower(),
        "output_format": output_format,
        **{
            name: str(value)
            for name, value in (("restorer", restorer), ("upscaler", upscaler), ("fidelity", fidelity))
            if value is not None
        },
    }
    failed = asyncio.run(_enhance(source, target, fields, overwrite, load_settings(home, config)))
    if failed:
        raise typer.Exit(1)


async def _enhance(source: Path, target: Path, fields: dict[str, str], overwrite: bool, settings: Any) -> int:
    """How many photos failed."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from lianpu.cli.client import open_client

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[step]}"))
    async with open_client(settings, writes=True) as client:
        with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
            sending = _Sending(client, fields, overwrite, progress)
            if source.is_dir():
                failed = await sending.folder(source, target)
            elif source.name.lower().endswith(ARCHIVE_SUFFIXES):
                failed = await sending.one(source, target, "archive")
            else:
                failed = await sending.one(source, target, "image")
    return failed


class _Sending:
    def __init__(
        self, client: "httpx2.AsyncClient", fields: dict[str, str], overwrite: bool, progress: "Progress"
    ) -> None:
        self._client = client
        self._fields = fields
        self._overwrite = overwrite
        self._progress = progress

    async def folder(self, source: Path, target: Path) -> int:
        from lianpu.cli.client import AnswerError

        failed = 0
        for path in _photos(source):
            try:
                failed += await self.one(path, target / path.relative_to(source), "image")
            except AnswerError as error:
                failed += 1
                typer.echo(f"{path}: {error.detail}", err=True)
        return failed

    async def one(self, source: Path, target: Path, field: str) -> int:
        """
        Raises:
            AnswerError: it was refused, or failed.
        """
        from lianpu.cli.client import AnswerError, answer_of

        if target.exists() and not self._overwrite and target.is_file():
            raise typer.BadParameter(f"{target} is there already; replace it by --overwrite", param_hint="TARGET")
        shown = self._progress.add_task(source.name, total=1.0, step="sending")
        submitted = await self._send(source, field)
        told: dict[str, Any] = submitted["enhancement"]
        address = f"{ENHANCE}/{told['enhancement_id']}"
        while told["status"] in {"pending", "processing"}:
            await asyncio.sleep(POLL_S)
            told = answer_of(await self._client.get(address))["enhancement"]
            self._progress.update(shown, completed=told["progress"], step=_step(told))
        if told["error"] is not None:
            raise AnswerError(told["error"])
        headers = {"X-Retrieval-Token": submitted["retrieval_token"]}
        async with self._client.stream("GET", f"{address}/result", headers=headers) as response:
            if response.is_error:
                await response.aread()
                answer_of(response)
            written = _fitting(target, told["result"]["file_name"], field)
            written.parent.mkdir(parents=True, exist_ok=True)
            with written.open("wb") as file:
                async for chunk in response.aiter_bytes(CHUNK_BYTES):
                    file.write(chunk)
        failures = [photo for photo in told["photos"] if photo["error"] is not None]
        self._progress.update(shown, completed=1.0, step=f"→ {written}")
        for photo in failures:
            typer.echo(f"{source.name}: {photo['name']}: {photo['error']['detail']}", err=True)
        return len(failures)

    async def _send(self, source: Path, field: str) -> dict[str, Any]:
        from lianpu.cli.client import answer_of

        address = ENHANCE if field == "image" else f"{ENHANCE}/batch"
        while True:
            with source.open("rb") as file:
                # Read whole: a body of the asynchronous client cannot be read from a file that blocks.
                content = file.read()
            answer = await self._client.post(address, files={field: (source.name, content)}, data=self._fields)
            if answer.status_code not in {429, 503} or "Retry-After" not in answer.headers:
                return answer_of(answer)
            await asyncio.sleep(int(answer.headers["Retry-After"]))


def _photos(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.suffix.lower() in PHOTO_SUFFIXES and path.is_file():
            yield path


def _fitting(target: Path, file_name: str, field: str) -> Path:
    """A target that is a folder gets the result's own name, one of another format another suffix."""
    if target.is_dir():
        return target / file_name
    suffix = Path(file_name).suffix
    if field == "image" and not target.suffix:
        return target.with_suffix(suffix)
    return target


def _step(told: dict[str, Any]) -> str:
    stage = next((photo["stage"] for photo in told["photos"] if photo["status"] == "processing"), None)
    counted = f"{told['done']}/{told['total']} " if told["is_batch"] and told["total"] else ""
    return f"{counted}{stage or told['status']}"
