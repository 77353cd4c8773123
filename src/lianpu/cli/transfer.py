"""`lianpu gallery export|import|key`: the gallery as a signed file, and back."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from lianpu.cli.gallery import JsonOption
from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    import httpx2

    from lianpu.settings import Settings

READ_BYTES = 1 << 20
PassphraseOption = Annotated[bool, typer.Option("--passphrase", help="Ask for the passphrase of an encrypted archive.")]


def key(home: HomeOption = None, config: ConfigOption = None) -> None:
    """The fingerprint of this installation's key; another installation imports its archives once it trusts it."""

    async def call() -> str:
        from lianpu.cli.client import answer_of, open_client

        async with open_client(load_settings(home, config), writes=False) as client:
            return str(answer_of(await client.get("/api/v1/gallery/signing-key"))["fingerprint"])

    typer.echo(asyncio.run(call()))


def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where the archive is to be written.")],
    person: Annotated[list[str] | None, typer.Option("--person", help="Only this person's id; repeatable.")] = None,
    name: Annotated[str | None, typer.Option(help="Only persons with this in their name.")] = None,
    images: Annotated[bool, typer.Option(help="Without photos, names and ids alone can be restored.")] = True,
    embeddings: Annotated[bool, typer.Option(help="Without embeddings they are made anew from the photos.")] = True,
    passphrase: Annotated[bool, typer.Option("--passphrase", help="Ask for one, and encrypt the archive.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Write the gallery, or a part of it, to a signed archive."""
    if file.exists() and not force:
        typer.echo(f"{file} exists; --force overwrites it", err=True)
        raise typer.Exit(1)
    fields: dict[str, Any] = {"include_images": images, "include_embeddings": embeddings}
    if person:
        fields["person_ids"] = person
    if name:
        fields["filter"] = {"name": name}
    if passphrase:
        fields["passphrase"] = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True)
    result = asyncio.run(_export(load_settings(home, config), fields, file, quiet=as_json))
    if as_json:
        _print_json(result)
        return
    typer.echo(
        f"{file}: {result['persons']} persons, {result['images']} images, {result['embeddings']} embeddings, "
        f"{result['size_bytes'] / 1e6:,.1f} MB, signed by {result['gallery_id']}"
    )
    if result["left_out"]:
        typer.echo(f"{result['left_out']} images were left out: `lianpu gallery check` says more", err=True)


def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An archive that `export` wrote.")],
    on_conflict: Annotated[
        str, typer.Option(help="Persons who exist with other particulars: fail, skip or merge (keep those of here).")
    ] = "fail",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    trust: Annotated[str | None, typer.Option(help="Fingerprint of another installation's key.")] = None,
    passphrase: PassphraseOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Check an archive, show what it would do, and take it in. Exit status 1 when a person could not be taken in."""
    parameters = {"dry_run": "true", "on_conflict": on_conflict} | ({"trust": trust} if trust else {})
    secret = typer.prompt("Passphrase", hide_input=True) if passphrase else None

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import open_client

        async with open_client(load_settings(home, config), writes=True) as client:
            examined = await _upload(client, file, parameters, secret, quiet=as_json)
            report: dict[str, Any] = examined["result"]
            if dry_run:
                return report
            if not as_json:
                _print_report(report)
            if not yes:
                typer.confirm("Take it in?", abort=True, err=True)
            path = f"/api/v1/gallery/imports/{examined['job_id']}/apply"
            return (await _job(client, path, {"on_conflict": on_conflict}, quiet=as_json))["result"]

    result = asyncio.run(call())
    if as_json:
        _print_json(result)
    else:
        _print_report(result)
    if result["persons"].get("failed"):
        raise typer.Exit(1)


async def _export(settings: "Settings", fields: dict[str, Any], file: Path, *, quiet: bool) -> dict[str, Any]:
    from lianpu.cli.client import answer_of, open_client

    async with open_client(settings, writes=True) as client:
        job = await _job(client, "/api/v1/gallery/export", fields, quiet=quiet)
        partial = file.with_name(f".{file.name}.part")
        try:
            async with client.stream("GET", f"/api/v1/gallery/exports/{job['job_id']}/archive") as answer:
                if answer.is_error:
                    await answer.aread()
                    answer_of(answer)
                with partial.open("wb") as target:
                    async for part in answer.aiter_bytes():
                        target.write(part)
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
        result: dict[str, Any] = job["result"]
        return result


async def _upload(
    client: "httpx2.AsyncClient", file: Path, parameters: dict[str, str], passphrase: str | None, *, quiet: bool
) -> dict[str, Any]:
    from lianpu.cli.client import answer_of
    from lianpu.cli.jobs import follow

    async def parts() -> AsyncIterator[bytes]:
        with file.open("rb") as source:
            while data := source.read(READ_BYTES):
                yield data

    headers = _upload_headers(file, passphrase)
    answer = await client.post("/api/v1/gallery/import", content=parts(), params=parameters, headers=headers)
    return await follow(client, answer_of(answer)["job"]["job_id"], quiet=quiet)


def _upload_headers(file: Path, passphrase: str | None) -> dict[str, str]:
    # With its length announced, an archive that is too large is refused before it is sent.
    headers = {"Content-Type": "application/zip", "Content-Length": str(file.stat().st_size)}
    if passphrase is not None:
        headers["X-Archive-Passphrase"] = quote(passphrase, safe="")
    return headers


async def _job(client: "httpx2.AsyncClient", path: str, fields: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    from lianpu.cli.client import answer_of
    from lianpu.cli.jobs import follow

    job_id = answer_of(await client.post(path, json=fields))["job"]["job_id"]
    return await follow(client, job_id, quiet=quiet)


def _print_report(report: dict[str, Any]) -> None:
    words = ("would be", "would get", "would stay") if report["dry_run"] else ("were", "got", "stayed")
    persons = report["persons"]
    typer.echo(
        f"{persons['added']} persons {words[0]} added, {persons['merged']} {words[1]} more, "
        f"{persons['unchanged'] + persons['skipped']} {words[2]} as they are"
    )
    typer.echo(
        f"{report['images']['new']} images and {report['embeddings']['new']} embeddings are new, "
        f"{report['images']['known']} images are known"
    )
    for pack in report["packs"]:
        if not pack["is_taken"]:
            name = f"{pack['name']}@{pack['version']}"
            typer.echo(f"{pack['embeddings']} embeddings of {name} are left out: {pack['reason']}")
    for conflict in report["conflicts"]:
        typer.echo(f"  {conflict['person_id']}: differs in {', '.join(conflict['fields'])}")
    for note in report["notes"]:
        typer.echo(note)
    if persons.get("failed"):
        typer.echo(
            f"{persons['failed']} persons could not be taken in: `lianpu jobs items JOB --status failed`", err=True
        )


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
