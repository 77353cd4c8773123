"""`lianpu users create-admin|list|show|set-role|disable|enable|reset-password|delete`: who may log in."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianpu.accounts.roles import Role
from lianpu.cli.options import ConfigOption, HomeOption, load_settings

if TYPE_CHECKING:
    import httpx2

app = typer.Typer(help="Users: who may log in, and as what.", no_args_is_help=True)
UserArgument = Annotated[str, typer.Argument(help="The user's name or id.")]
StdinOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
USERS = "/api/v1/users/"


@app.command("create-admin")
def create_admin(
    name: Annotated[str, typer.Argument(help="The name to log in with.")],
    password_stdin: StdinOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Make an administrator, with a running server or without. Asks for the password on a terminal."""
    body = {"name": name, "password": _password(password_stdin), "role": "admin", "must_change_password": False}
    user = _call(home, config, "POST", body=body)["user"]
    typer.echo(f"{user['name']} is an administrator ({user['user_id']}).")


@app.command("list")
def list_users(as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None) -> None:
    """All users."""
    users = _call(home, config, "GET")["users"]
    if as_json:
        typer.echo(json.dumps(users, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("user", "name", "role", "state", "last login")
    for user in users:
        cells = (user["user_id"], user["name"], user["role"], _state(user), (user["last_login_at"] or "never")[:19])
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


@app.command()
def show(user: UserArgument, as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None) -> None:
    """One user."""
    found = _call(home, config, "GET", user)["user"]
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{found['user_id']}  {found['name']}  {found['role']}  {_state(found)}")
    typer.echo(f"created {found['created_at'][:19]}, last login {(found['last_login_at'] or 'never')[:19]}")


@app.command("set-role")
def set_role(
    user: UserArgument,
    role: Annotated[Role, typer.Argument(help="viewer, operator or admin.")],
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Give a user another role; the user's logins end."""
    changed = _call(home, config, "PUT", user, body={"role": role.value})["user"]
    typer.echo(f"{changed['name']} is {changed['role']}.")


@app.command()
def disable(user: UserArgument, home: HomeOption = None, config: ConfigOption = None) -> None:
    """Let no login and no API key of a user work, from now on."""
    typer.echo(f"{_call(home, config, 'PUT', user, body={'is_active': False})['user']['name']} is disabled.")


@app.command()
def enable(user: UserArgument, home: HomeOption = None, config: ConfigOption = None) -> None:
    """Let a disabled user log in again."""
    typer.echo(f"{_call(home, config, 'PUT', user, body={'is_active': True})['user']['name']} is active.")


@app.command("reset-password")
def reset_password(
    user: UserArgument, password_stdin: StdinOption = False, home: HomeOption = None, config: ConfigOption = None
) -> None:
    """Give a user a new password, to be changed at the next login; the user's logins end."""
    changed = _call(home, config, "PUT", user, body={"password": _password(password_stdin)})["user"]
    typer.echo(f"{changed['name']} has a new password and must change it at the next login.")


@app.command()
def delete(
    user: UserArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove a user with all logins, API keys and images."""
    if not yes:
        typer.confirm(f"Delete {user}? There is no way back.", abort=True)
    _call(home, config, "DELETE", user)
    typer.echo(f"{user} is deleted.")


async def user_id_of(client: "httpx2.AsyncClient", user: str) -> str:
    """
    Raises:
        UserNotFoundError: there is no user of that name or id.
    """
    from lianpu.accounts.names import name_key
    from lianpu.cli.client import answer_of
    from lianpu.errors import UserNotFoundError

    users = answer_of(await client.get(USERS))["users"]
    for one in users:
        if user == one["user_id"] or name_key(user) == name_key(one["name"]):
            return one["user_id"]
    raise UserNotFoundError(f"There is no user {user!r}; `lianpu users list` shows them.")


def _call(
    home: Path | None, config: Path | None, method: str, user: str | None = None, *, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client

        async with open_client(settings, writes=method != "GET") as client:
            path = USERS if user is None else USERS + await user_id_of(client, user)
            response = await client.request(method, path, json=body)
            return {} if response.status_code == 204 else answer_of(response)

    return asyncio.run(call())


def _password(from_stdin: bool) -> str:
    if from_stdin:
        # One line ending is not part of it; spaces are.
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        raise typer.BadParameter("There is no terminal to ask on: give --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _state(user: dict[str, Any]) -> str:
    if not user["is_active"]:
        return "disabled"
    return "must change password" if user["must_change_password"] else "active"
