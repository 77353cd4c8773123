"""Alembic's entry: runs the revisions over the connection that the caller hands in."""

from typing import Any

from alembic import context
from sqlalchemy import Connection, Table, event

from lianpu.database.base import Base

connection: Connection = context.config.attributes["connection"]


def as_mariadb_keeps_it(table: Table, bind: Connection, **_: Any) -> None:
    """Transactions and foreign keys, and text of every script compared byte by byte, whatever the server's defaults."""
    name = bind.dialect.name
    table.kwargs.update({f"{name}_engine": "InnoDB", f"{name}_charset": "utf8mb4", f"{name}_collate": "utf8mb4_bin"})


context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
if connection.dialect.name in {"mysql", "mariadb"}:
    event.listen(Table, "before_create", as_mariadb_keeps_it)
try:
    with context.begin_transaction():
        context.run_migrations()
finally:
    if event.contains(Table, "before_create", as_mariadb_keeps_it):
        event.remove(Table, "before_create", as_mariadb_keeps_it)
