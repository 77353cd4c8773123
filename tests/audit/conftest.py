"""An audit log on a database and a home of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lianpu.audit.audit import Audit, build_audit
from lianpu.database.session import Database
from lianpu.storage.local import LocalStorage
from tests.audit.tampering import KEY


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'test.db'}", patience_s=0.2)
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture
async def audit(database: Database, tmp_path: Path) -> AsyncIterator[Audit]:
    built = build_audit(database, LocalStorage(tmp_path / "home"), lambda: KEY)
    yield built
    await built.log.close()
