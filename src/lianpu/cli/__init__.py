"""The command line: one file a command group, registered here."""

import sys
from typing import Annotated

import typer

import lianpu
from lianpu.cli import (
    audit,
    backup,
    bench,
    calibrate,
    camera,
    check,
    config,
    convert,
    db,
    default_pack,
    doctor,
    engines,
    enhance,
    enroll,
    evaluate,
    faces,
    gallery,
    health,
    import_people,
    jobs,
    keys,
    models,
    openapi,
    provenance,
    pull,
    recognise,
    serve,
    transfer,
    users,
    worker,
)
from lianpu.errors import LianpuError, StartError

app = typer.Typer(
    name="lianpu",
    help="Lianpu (脸谱): a self-hosted face platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(serve.serve)
app.command()(worker.worker)
app.command()(enroll.enroll)
app.command()(recognise.search)
app.command()(recognise.compare)
app.command()(recognise.detect)
app.command()(enhance.enhance)
app.command()(calibrate.calibrate)
app.command()(evaluate.evaluate)
app.command()(doctor.doctor)
app.command()(bench.bench)
app.command()(openapi.openapi)
app.add_typer(import_people.app, name="import")
app.command()(backup.backup)
app.command()(backup.restore)
app.add_typer(config.app, name="config")
models.app.command()(default_pack.default)
models.app.command()(convert.convert)
models.app.command()(pull.available)
models.app.command()(pull.pull)
models.app.command()(pull.remove)
app.add_typer(models.app, name="models")
app.add_typer(faces.app, name="faces")
app.add_typer(jobs.app, name="jobs")
app.add_typer(users.app, name="users")
app.add_typer(keys.app, name="keys")
gallery.app.command()(check.check)
gallery.app.command()(health.health)
gallery.app.command()(transfer.key)
gallery.app.command()(transfer.export)
gallery.app.command("import")(transfer.import_)
app.add_typer(engines.app, name="engines")
app.add_typer(camera.app, name="camera")
app.add_typer(gallery.app, name="gallery")
app.add_typer(db.app, name="db")
app.add_typer(audit.app, name="audit")
app.add_typer(provenance.app, name="provenance")


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"lianpu {lianpu.__version__}")
        raise typer.Exit


def main() -> None:
    """Run a command; an expected error is one line, not a traceback. Exit status 2 when the start itself failed."""
    try:
        app()
    except LianpuError as error:
        typer.echo(f"error [{error.code}]: {error.detail}", err=True)
        sys.exit(2 if isinstance(error, StartError) else 1)
