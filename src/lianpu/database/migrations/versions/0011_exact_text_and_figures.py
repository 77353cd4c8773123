"""MariaDB: text of every script, compared byte by byte, and figures of eight bytes, as elsewhere."""

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"

FIGURES = (
    ("streams", "lifetime_minutes", False),
    ("stream_events", "score", True),
    ("stream_events", "quality", False),
    ("stream_webhook_attempts", "duration_ms", False),
    ("unknown_faces", "quality", False),
)
OTHERWISE = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' "
    "AND table_name <> 'alembic_version' AND table_collation <> 'utf8mb4_bin'"
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name not in {"mysql", "mariadb"}:
        return
    connection.execute(sa.text("SET foreign_key_checks = 0"))
    for name in list(connection.scalars(sa.text(OTHERWISE))):
        op.execute(f"ALTER TABLE `{name}` CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        if name == "stream_webhook_deliveries":
            # A conversion makes a larger type of it.
            op.execute("ALTER TABLE stream_webhook_deliveries MODIFY body TEXT NOT NULL")
    connection.execute(sa.text("SET foreign_key_checks = 1"))
    for table, column, nullable in FIGURES:
        op.alter_column(table, column, type_=sa.Double[float](), existing_type=sa.Float(), existing_nullable=nullable)


def downgrade() -> None:
    """Nothing: what is kept more exactly serves the older version as well."""
