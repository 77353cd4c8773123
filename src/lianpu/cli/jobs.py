"""`lianpu jobs list|show|items|cancel|retry|wait|remove`, and the progress bar of every command that starts a job."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    import httpx2

app = typer.Typer(help="Jobs: what takes long, and how far it is.", no_args_is_help=True)

JobArgument = Annotated[str, typer.Argument(help="The job's id.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
POLL_S = 0.3


async def follow(client: "httpx2.AsyncClient", job_id: str, *, quiet: bool = False) -> dict[str, Any]:
    """Show a bar until the job has ended.

    Returns:
        The job as the API gives it.

    Raises:
        JobFailedError: it failed or was cancelled; says why.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=True) as progress:
        bar = progress.add_task("waiting", total=None)
        while True:
            job = await _job(client, job_id)
            state = job["progress"]
            progress.update(
                bar, completed=state["done"], total=state["total"], description=state["message"] or job["status"]
            )
            if job["finished_at"] is not None:
                break
            await asyncio.sleep(POLL_S)
    if job["status"] != "completed":
        from lianpu.cli.client import JobFailedError

        error = job["error"]
        raise JobFailedError(
            f"The job {job_id} was cancelled."
            if error is None
            else f"{error['title']} [{error['code']}]: {error['detail']}"
        )
    return job


@app.command("list")
def list_jobs(
    kind: Annotated[str | None, typer.Option(help="Only jobs of this kind, such as gallery.reembed.")] = None,
    status: Annotated[str | None, typer.Option(help="pending, processing, completed, failed or cancelled.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """The newest jobs."""
    wanted = {"kind": kind, "status": status, "limit": limit}
    parameters = {name: value for name, value in wanted.items() if value is not None}
    jobs = _call(home, config, "GET", "", parameters=parameters)["jobs"]
    if as_json:
        _print_json(jobs)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("job", "kind", "status", "progress", "begun")
    for job in jobs:
        table.add_row(job["job_id"], job["kind"], job["status"], _progress(job), job["created_at"][:19])
    Console().print(table)


@app.command()
def show(
    job_id: JobArgument, as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None
) -> None:
    """One job: how far it is, and what came of it."""
    job = _call(home, config, "GET", f"/{job_id}")["job"]
    if as_json:
        _print_json(job)
    else:
        _print_job(job)


@app.command()
def items(
    job_id: JobArgument,
    status: Annotated[str | None, typer.Option(help="Only items that ended so, such as failed.")] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """What became of each item."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        wanted = {"limit": 1000, "status": status, "cursor": cursor}
        page = _call(
            home, config, "GET", f"/{job_id}/items", parameters={k: v for k, v in wanted.items() if v is not None}
        )
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    if as_json:
        _print_json(found)
        return
    for item in found:
        detail = item["detail"]
        why = detail.get("message") or detail.get("code") or ""
        typer.echo(f"{item['position']:>6}  {item['status']:<10} {item['name']}  {why}".rstrip())


@app.command()
def cancel(job_id: JobArgument, home: HomeOption = None, config: ConfigOption = None) -> None:
    """End a job; what is done stays done."""
    _print_job(_call(home, config, "POST", f"/{job_id}/cancel")["job"])


@app.command()
def retry(job_id: JobArgument, home: HomeOption = None, config: ConfigOption = None) -> None:
    """Go on with a job that failed or was cancelled, or try its failed items again; waits for the end."""
    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client

        async with open_client(settings, writes=True) as client:
            answer_of(await client.post(f"/api/v1/jobs/{job_id}/retry"))
            return await follow(client, job_id)

    _print_job(asyncio.run(call()))


@app.command()
def wait(
    job_id: JobArgument, as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None
) -> None:
    """Wait for the end of a job; without a server, work on it here. Exit status 1 when it failed."""
    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import open_client

        async with open_client(settings, writes=True) as client:
            return await follow(client, job_id)

    job = asyncio.run(call())
    if as_json:
        _print_json(job)
    else:
        _print_job(job)


@app.command()
def remove(job_id: JobArgument, home: HomeOption = None, config: ConfigOption = None) -> None:
    """Clear an ended job away, with its items and files."""
    _call(home, config, "DELETE", f"/{job_id}")
    typer.echo(f"Job {job_id} is removed.")


def _call(
    home: Path | None,
    config: Path | None,
    method: str,
    path: str,
    *,
    parameters: dict[str, Any] | None = None,
) -> dict[str, Any]:
    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client

        async with open_client(settings, writes=False) as client:
            response = await client.request(method, f"/api/v1/jobs{path}", params=parameters)
            return {} if response.status_code == 204 else answer_of(response)

    return asyncio.run(call())


async def _job(client: "httpx2.AsyncClient", job_id: str) -> dict[str, Any]:
    from lianpu.cli.client import answer_of

    return answer_of(await client.get(f"/api/v1/jobs/{job_id}"))["job"]


def _progress(job: dict[str, Any]) -> str:
    done, total = job["progress"]["done"], job["progress"]["total"]
    return f"{done}" if total is None else f"{done}/{total}"


def _print_job(job: dict[str, Any]) -> None:
    typer.echo(f"{job['job_id']}  {job['kind']}  {job['status']}  {_progress(job)}")
    if job["progress"]["message"]:
        typer.echo(job["progress"]["message"])
    if job["items"]:
        typer.echo("items: " + ", ".join(f"{count} {status}" for status, count in sorted(job["items"].items())))
    if job["error"] is not None:
        typer.echo(f"{job['error']['title']} [{job['error']['code']}]: {job['error']['detail']}")
    if job["result"] is not None:
        _print_json(job["result"])


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
