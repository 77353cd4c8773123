"""R-OPS 2: what `docs/databases.md` says of backups holds: each server's own tools bring everything back."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

import lianpu.bootstrap  # noqa: F401  (the tables of every feature)
from lianpu.audit.audit import build_audit
from lianpu.database import schema
from lianpu.database.copying import fingerprints
from lianpu.database.session import Database
from lianpu.storage.local import LocalStorage
from tests.audit.tampering import KEY, fill
from tests.database.test_copying import fill as fill_gallery
from tests.databases import ON_SERVERS, DatabaseServer

pytestmark = pytest.mark.anyio
TOOLS = {"postgresql": ("pg_dump", "pg_restore"), "mariadb": ("mariadb-dump", "mariadb")}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _back_up_and_restore(server: DatabaseServer, source: str, target: str, file: Path) -> None:
    url = make_url(server.url(source))
    assert url.host is not None
    environment = {**os.environ, "PGPASSWORD": url.password or "", "MYSQL_PWD": url.password or ""}

    def run(*command: str, **options: object) -> None:
        subprocess.run(command, env=environment, check=True, **options)  # type: ignore[call-overload]

    if server.kind == "postgresql":
        at = ("--host", url.host, "--username", url.username or "")
        run("pg_dump", *at, "--format=custom", f"--file={file}", source)
        run("pg_restore", *at, f"--dbname={target}", str(file))
        return
    at = ("--host", url.host, "--user", url.username or "")
    with file.open("wb") as dump:
        run("mariadb-dump", *at, "--single-transaction", "--triggers", "--hex-blob", source, stdout=dump)
    with file.open("rb") as dump:
        run("mariadb", *at, target, stdin=dump)


@pytest.mark.parametrize("kind", ON_SERVERS)
async def test_R_OPS_2_a_restored_backup_is_the_same(
    kind: str, database_server: Callable[[str], DatabaseServer], tmp_path: Path
) -> None:
    if any(shutil.which(tool) is None for tool in TOOLS[kind]):
        pytest.skip(f"{' or '.join(TOOLS[kind])} is not installed")
    server = database_server(kind)
    names = [server.create(), server.create()]
    source, restored = (Database(server.url(name)) for name in names)
    try:
        await source.migrate()
        await fill_gallery(source, 30)
        audit = build_audit(source, LocalStorage(tmp_path), lambda: KEY)
        await fill(audit, 5)
        await asyncio.to_thread(_back_up_and_restore, server, *names, tmp_path / "backup")
        assert await fingerprints(restored) == await fingerprints(source)
        async with restored.engine.connect() as connection:
            assert await connection.run_sync(schema.differences) == []
            with pytest.raises(DBAPIError, match="append only"):
                await connection.execute(text("DELETE FROM audit_events"))
        again = build_audit(restored, LocalStorage(tmp_path), lambda: KEY)
        assert (await again.verification.verify()).events == 5
        for one in (audit, again):
            await one.log.close()
    finally:
        await source.close()
        await restored.close()
        for name in names:
            server.drop(name)
