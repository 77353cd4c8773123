"""`lianpu keys create|list|revoke`: API keys, for machines."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from lianpu.accounts.roles import Scope
from lianpu.cli.options import ConfigOption, HomeOption, load_settings
from lianpu.cli.users import user_id_of

app = typer.Typer(help="API keys: what machines call with.", no_args_is_help=True)
KEYS = "/api/v1/keys"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for, to recognise it by.")],
    scope: Annotated[list[Scope], typer.Option(help="What it may do, such as gallery:recognise; give several times.")],
    user: Annotated[str, typer.Option(help="Name or id of the user whose key it is.")],
    expires_days: Annotated[
        int | None, typer.Option("--expires-days", min=1, help="Days it lives; else for ever.")
    ] = None,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a key and print it: it cannot be shown again."""
    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client

        async with open_client(settings, writes=True) as client:
            owner = await user_id_of(client, user)
            scopes = [one.value for one in scope]
            body = {"name": name, "scopes": scopes, "expires_in_days": expires_days, "user_id": owner}
            return answer_of(await client.post(KEYS, json=body))

    made = asyncio.run(call())
    typer.echo(f"Key {made['key']['prefix']} of {made['key']['user_name']}; keep it, it is not shown again:", err=True)
    typer.echo(made["secret"])


@app.command("list")
def list_keys(
    user: Annotated[str | None, typer.Option(help="Only this user's, by name or id.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Keys that were not revoked, newest first."""
    settings = load_settings(home, config)

    async def call() -> list[dict[str, Any]]:
        from lianpu.cli.client import answer_of, open_client

        async with open_client(settings, writes=False) as client:
            keys = answer_of(await client.get(KEYS, params={"everybody": True}))["keys"]
            owner = None if user is None else await user_id_of(client, user)
            return [key for key in keys if owner in {None, key["user_id"]}]

    keys = asyncio.run(call())
    if as_json:
        typer.echo(json.dumps(keys, ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("key", "prefix", "name", "user", "scopes", "expires", "last used")
    for key in keys:
        scopes = " ".join(key["scopes"])
        used = (key["last_used_at"] or "never")[:16]
        cells = (key["key_id"], key["prefix"], key["name"], key["user_name"], scopes, _expiry(key), used)
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The key's id or prefix.")],
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """Let a key no longer work, at once and for good."""
    settings = load_settings(home, config)

    async def call() -> dict[str, Any]:
        from lianpu.cli.client import answer_of, open_client
        from lianpu.errors import ApiKeyNotFoundError

        async with open_client(settings, writes=True) as client:
            for found in answer_of(await client.get(KEYS, params={"everybody": True}))["keys"]:
                if key in {found["key_id"], found["prefix"]}:
                    response = await client.delete(f"{KEYS}/{found['key_id']}")
                    return found if response.status_code == 204 else answer_of(response)
            raise ApiKeyNotFoundError(f"There is no API key {key!r}; `lianpu keys list` shows them.")

    revoked = asyncio.run(call())
    typer.echo(f"Key {revoked['prefix']} ({revoked['name']}, {revoked['user_name']}) is revoked.")


def _expiry(key: dict[str, Any]) -> str:
    if key["expires_at"] is None:
        return "never"
    is_over = datetime.fromisoformat(key["expires_at"]) <= datetime.now(UTC)
    return f"{key['expires_at'][:16]}{' (over)' if is_over else ''}"
