"""Alembic's entry: runs the revisions over the connection that the caller hands in."""

from alembic import context
from sqlalchemy import Connection

from lianpu.database.base import Base

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
