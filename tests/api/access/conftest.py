"""One server and every kind of caller for all tests of who may call."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi import FastAPI

from lianpu.accounts.roles import Scope
from lianpu.api.app import create_app
from lianpu.settings import load_settings
from tests.api.access.callers import Caller, Credentials, make_callers, make_keys


@dataclass(frozen=True, slots=True)
class House:
    app: FastAPI
    credentials: Credentials
    callers: dict[str, Caller]
    keys: dict[tuple[Scope, bool], Caller]
    """By scope, and whether the key has it."""


@pytest.fixture(scope="package")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="package")
async def house(
    tmp_path_factory: pytest.TempPathFactory, translated_packs: Path, anyio_backend: str
) -> AsyncIterator[House]:
    """Jobs wait there for ever; nobody is slowed down, and anybody may register."""
    home = tmp_path_factory.mktemp("access")
    shutil.copytree(translated_packs, home / "cache" / "packs")
    values = {
        "home": str(home),
        "accounts.registration": "open",
        **dict.fromkeys(("limits.per_client", "limits.per_user", "limits.login")),
    }
    app = create_app(load_settings(values, environment={}, folder=home).settings, runs_jobs=False)
    async with app.router.lifespan_context(app):
        credentials = Credentials(app.state.platform)
        yield House(app, credentials, await make_callers(credentials), await make_keys(credentials))
