"""`lianpu db check|migrate|copy`: the database itself, whichever it is."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings
from lianpu.errors import LianpuError

if TYPE_CHECKING:
    from lianpu.database.copying import CopiedTable, Progress
    from lianpu.database.session import Database
    from lianpu.settings import Settings

app = typer.Typer(help="The database: its schema, and moving it to another one.", no_args_is_help=True)
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]


@dataclass(frozen=True, slots=True)
class DatabaseState:
    database: str
    """Its kind and version."""
    address: str
    revision: str | None
    newest_revision: str
    differences: list[str]
    rows: dict[str, int]

    @property
    def is_ready(self) -> bool:
        return self.revision == self.newest_revision and not self.differences


@app.command()
def check(as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None) -> None:
    """Does it answer, is its schema what this version needs, and what is in it. Exit status 1 when it is not."""
    state = asyncio.run(_state(load_settings(home, config)))
    if as_json:
        typer.echo(json.dumps(asdict(state), ensure_ascii=False, indent=2))
    else:
        typer.echo(f"{state.database} at {state.address}")
        age = "the newest" if state.revision == state.newest_revision else f"the newest is {state.newest_revision}"
        typer.echo(f"schema: revision {state.revision or 'base'}, {age}")
        for difference in state.differences:
            typer.echo(f"  differs from the models: {difference}")
        for name, count in state.rows.items():
            typer.echo(f"{count:>12,} {name}")
        if not state.is_ready:
            typer.echo("`lianpu db migrate` brings it to the newest revision; a server does so when it starts.")
    if not state.is_ready:
        raise typer.Exit(1)


@app.command()
def migrate(
    to: Annotated[str, typer.Option("--to", help="A revision, head (the newest) or base (none).")] = "head",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before something is lost.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Bring the schema to a revision: up, as a server does when it starts, or down to what an older version needs."""
    from lianpu.bootstrap import prepare_home
    from lianpu.cli.home_lock import locked_home
    from lianpu.database import schema

    settings = load_settings(home, config)
    target = schema.known_revision(to)
    prepare_home(settings)
    with locked_home(settings.home, None):
        losses = asyncio.run(_losses(settings, target))
        if losses:
            typer.echo(f"The way down to {to} takes away for ever:", err=True)
            for loss in losses:
                typer.echo(f"  {loss}", err=True)
            if not yes:
                typer.confirm("Go on?", abort=True, err=True)
        before, after = asyncio.run(_move(settings, target))
    if before == after:
        typer.echo(f"The schema has the revision {after or 'base'} already.")
    else:
        typer.echo(f"The schema went from the revision {before or 'base'} to {after or 'base'}.")


@app.command()
def copy(
    to: Annotated[str, typer.Option("--to", help="URL of an empty database, such as postgresql://user@host/name.")],
    from_: Annotated[
        str | None, typer.Option("--from", help="URL of the source; else the database that is configured.")
    ] = None,
    ask_password: Annotated[
        bool, typer.Option("--ask-password", "-W", help="Ask for the target's password: in a URL others could see it.")
    ] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Copy everything into an empty database of any kind, and prove that it came out the same.

    Photos and keys are files, and stay where they are. Set `database.url` afterwards.
    """
    from lianpu.bootstrap import prepare_home
    from lianpu.cli.home_lock import locked_home

    settings = load_settings(home, config)
    password = typer.prompt("Password of the target", hide_input=True, err=True) if ask_password else None
    prepare_home(settings)
    with locked_home(settings.home, None):
        copied = asyncio.run(_copy(settings, from_, to, password, quiet=as_json))
    if as_json:
        tables = {table.name: asdict(table.fingerprint) for table in copied}
        typer.echo(json.dumps({"tables": tables}, indent=2))
        return
    for table in copied:
        typer.echo(f"{table.fingerprint.rows:>12,} {table.name}  {table.fingerprint.digest[:16]}…")
    rows = sum(table.fingerprint.rows for table in copied)
    typer.echo(f"{rows:,} rows of {len(copied)} tables are there, and each table has the digest of its source.")
    typer.echo("Set database.url to the target, start the server, and run `lianpu gallery check`.")


async def _state(settings: "Settings") -> DatabaseState:
    from sqlalchemy import Connection

    from lianpu.database import schema

    async with _opened(settings) as database:

        def look(connection: Connection) -> DatabaseState:
            version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
            revision = schema.current(connection)
            return DatabaseState(
                database=f"{database.address.title} {version}".strip(),
                address=database.address.shown,
                revision=revision,
                newest_revision=schema.newest(),
                differences=schema.differences(connection) if revision == schema.newest() else [],
                rows=schema.counts(connection, schema.tables(connection)),
            )

        async with database.engine.connect() as connection:
            return await connection.run_sync(look)


async def _losses(settings: "Settings", target: str | None) -> list[str]:
    from sqlalchemy import Connection

    from lianpu.database import schema

    def look(connection: Connection) -> list[str]:
        if not schema.is_down(schema.current(connection), target):
            return []
        lost = schema.lost_by(connection, target)
        rows = schema.counts(connection, lost)
        return [
            f"table {name}: {rows[name]:,} rows"
            if columns is None
            else f"{', '.join(columns)} of the {rows[name]:,} rows of {name}"
            for name, columns in lost.items()
            if rows[name]
        ]

    async with _opened(settings, makes=True) as database, database.engine.connect() as connection:
        return await connection.run_sync(look)


async def _move(settings: "Settings", target: str | None) -> tuple[str | None, str | None]:
    from lianpu.database import schema

    async with _opened(settings, makes=True) as database, database.engine.connect() as connection:
        moved = await connection.run_sync(schema.move, target)
        await connection.commit()
        return moved


async def _copy(
    settings: "Settings", from_: str | None, to: str, password: str | None, *, quiet: bool
) -> "list[CopiedTable]":
    from lianpu.database.copying import copy_database
    from lianpu.database.session import Database

    target = Database(to, password=password)
    try:
        async with _opened(settings, from_) as source:
            with _shown_progress(quiet=quiet) as on_progress:
                return await copy_database(source, target, on_progress)
    finally:
        await target.close()


@asynccontextmanager
async def _opened(settings: "Settings", url: str | None = None, *, makes: bool = False) -> "AsyncGenerator[Database]":
    """
    Args:
        makes: a SQLite file that there is not may be made.

    Raises:
        NoDatabaseError: there is none.
    """
    # All models with it: without their tables nothing can be compared or copied.
    from lianpu.bootstrap import database_of
    from lianpu.database.session import Database

    database = database_of(settings) if url is None else Database(url)
    try:
        file = database.address.url.database if database.is_sqlite and not makes else None
        if file and not await asyncio.to_thread(Path(file).is_file):
            raise NoDatabaseError(f"There is no database {file}: the first start of a server makes it.")
        yield database
    finally:
        await database.close()


@contextmanager
def _shown_progress(*, quiet: bool) -> "Generator[Progress]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), disable=quiet, transient=True) as bars:
        bar = bars.add_task("")

        def show(table: str, done: int, total: int) -> None:
            bars.update(bar, description=table, completed=done, total=total)

        yield show


class NoDatabaseError(LianpuError):
    """A SQLite file that a command was to look at."""

    code, title = "database_missing", "No database"
