"""`lianpu models default`: which pack is active, and making another one so."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from lianpu.settings import Settings


def default(
    name: Annotated[str | None, typer.Argument(help="`name` or `name@version`; shows the active one if none.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Although images lack an embedding of it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Show the default pack, or switch to another one that covers the gallery."""
    settings = load_settings(home, config)
    if name is None:
        active = active_pack(settings)
        typer.echo(json.dumps({"default_pack": active}) if as_json else active)
        return
    answer = asyncio.run(_switch(settings, name, force))
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    named, coverage = f"{answer['pack']}@{answer['pack_version']}", answer["coverage"]
    typer.echo(f"The default pack is {named}; it was {answer['previous']}.")
    typer.echo(f"It finds {coverage['persons_covered']} of {coverage['persons']} persons.")
    if coverage["missing"]:
        typer.echo(f"{coverage['missing']} images lack its embedding: `lianpu gallery reembed {named}`.")
    for failure in answer["failures"]:
        typer.echo(f"  person {failure['person_id']}, image {failure['image_id']}: {failure['reason']}")


def active_pack(settings: "Settings") -> str:
    """`name@version` as the database of this home keeps it; as configured where there is none yet."""
    from sqlalchemy.exc import DBAPIError

    from lianpu.bootstrap import database_of, has_database
    from lianpu.errors import LianpuError
    from lianpu.gallery.packs import default_pack

    if not has_database(settings):
        return settings.packs.default

    async def read() -> str:
        database = database_of(settings)
        try:
            return await default_pack.active_pack(database, settings.packs.default)
        finally:
            await database.close()

    try:
        return asyncio.run(read())
    except (DBAPIError, LianpuError):  # a database of an older version, or one that does not answer
        return settings.packs.default


def is_active(active: str, name: str, version: str) -> bool:
    """`active` has no version while the configured pack was never found."""
    return active in {name, f"{name}@{version}"}


async def _switch(settings: "Settings", name: str, force: bool) -> dict[str, Any]:
    from lianpu.cli.client import answer_of, open_client

    async with open_client(settings, writes=True) as client:
        return answer_of(await client.post("/api/v1/models/default", json={"pack": name, "force": force}))
