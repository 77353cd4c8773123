"""`lianpu backup` and `lianpu restore`: the home folder as one file, and back."""

import os
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    from lianpu.backup.archive import Copied
    from lianpu.settings import Settings

STANDARD = "-"
EXTERNAL = (
    "The database lies outside of the home ({url}) and is not in this file: its own tools back it up and restore it "
    "(docs/deploy.md)."
)
IN_S3 = (
    "Images lie in the bucket {bucket} and are not in this file: its versioning or replication backs them up "
    "(docs/operations.md)."
)


def backup(
    file: Annotated[str, typer.Argument(help="A new file; - is standard output.")],
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Back up the home folder, keys included, while the server runs or not. Encrypt the file: it holds everything."""
    from lianpu.backup.archive import write_backup
    from lianpu.backup.snapshot import snapshot_of
    from lianpu.bootstrap import prepare_home
    from lianpu.cli.home_lock import locked_home
    from lianpu.errors import HomeInUseError

    settings = load_settings(home, config)
    target = None if file == STANDARD else Path(file).absolute()
    if target is not None and target.is_relative_to(settings.home):
        raise typer.BadParameter("The file lies in the home folder: name one outside of it.")
    if not settings.home.is_dir():
        raise typer.BadParameter(f"There is no home folder {settings.home}.")
    prepare_home(settings)
    with ExitStack() as stack:
        try:
            stack.enter_context(locked_home(settings.home, None))
            is_at_rest = True
        except HomeInUseError:
            is_at_rest = False
        shown = stack.enter_context(
            snapshot_of(settings.home, has_database=_is_in_home(settings), is_at_rest=is_at_rest)
        )
        with _written(target) as out:
            copied = write_backup(shown, out)
    _say("backed up", copied, settings)


def restore(
    file: Annotated[str, typer.Argument(help="A file that `lianpu backup` made; - is standard input.")],
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Restore a backup to a home folder that is empty: every byte is checked before anything is put in place."""
    from lianpu.backup import restoring
    from lianpu.bootstrap import prepare_home
    from lianpu.cli.home_lock import locked_home

    settings = load_settings(home, config)
    restoring.check_empty(settings.home)
    prepare_home(settings)
    with locked_home(settings.home, None):
        restoring.check_empty(settings.home)
        if file == STANDARD:
            copied = restoring.restore(sys.stdin.buffer, settings.home)
        else:
            with _opened(Path(file)) as source:
                copied = restoring.restore(source, settings.home)
    _say("restored", copied, settings)


def _is_in_home(settings: "Settings") -> bool:
    from sqlalchemy import make_url

    from lianpu.backup.snapshot import DATABASE_FILE

    url = settings.database.url
    if url is None:
        return True
    parsed = make_url(url.get_secret_value())
    return parsed.get_backend_name() == "sqlite" and Path(parsed.database or "") == settings.home / DATABASE_FILE


def _say(done: str, copied: "Copied", settings: "Settings") -> None:
    from sqlalchemy import make_url

    from lianpu.backup.manifest import BackedUpDatabase
    from lianpu.database.address import shown_url

    typer.echo(f"{copied.files:,} files, {copied.size_bytes:,} bytes {done}: {settings.home}", err=True)
    if copied.manifest.database is BackedUpDatabase.EXTERNAL:
        url = settings.database.url
        where = "another place" if url is None else shown_url(make_url(url.get_secret_value()))
        typer.echo(EXTERNAL.format(url=where), err=True)
    if settings.storage.kind == "s3":
        typer.echo(IN_S3.format(bucket=settings.storage.bucket), err=True)


@contextmanager
def _written(target: Path | None) -> Generator[BinaryIO]:
    """Whole, or not there at all; for its owner alone.

    Raises:
        StorageError: it is there already, or cannot be written.
    """
    from lianpu.errors import StorageError

    if target is None:
        if sys.stdout.isatty():
            raise typer.BadParameter("Standard output is a terminal: name a file, or pass the backup on.")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if target.exists():
        raise StorageError(f"{target} is there already: name a new file.")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(target)
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror or error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Generator[BinaryIO]:
    from lianpu.errors import StorageError

    try:
        source = path.open("rb")
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror or error}.") from error
    with source:
        yield source
